/* SPDX-License-Identifier: MIT
 *
 * A program whose connection runs out of memory, at each allocation in turn:
 *
 *   starves ONCE FIRST STEP CONNINFO
 *
 * Child processes connect. In the first child, allocation number FIRST fails, in the second child
 * number FIRST + STEP, and so on. If ONCE is 1, only this allocation fails; otherwise all later
 * allocations fail, too. Each child prints its result: "none" if it got no handle, "ok", or the
 * message of libpq. For a child that a signal killed, the program prints "signal". The program ends
 * when a connection needs so few allocations that none fails. */
#include <errno.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

#define EXPORTED __attribute__((visibility("default")))

static bool is_counting;
static bool fails_once;
static long left;
static bool has_failed;

/* Returns true if this allocation must fail. */
static bool starves(void)
{
    if (!is_counting || --left > 0 || (fails_once && has_failed)) {
        return false;
    }
    has_failed = true;
    errno = ENOMEM;
    return true;
}

EXPORTED void *malloc(size_t size)
{
    return starves() ? NULL : __libc_malloc(size);
}

EXPORTED void *calloc(size_t count, size_t size)
{
    return starves() ? NULL : __libc_calloc(count, size);
}

EXPORTED void *realloc(void *old, size_t size)
{
    return starves() ? NULL : __libc_realloc(old, size);
}

enum {
    EXIT_DONE = 7 /* no allocation failed: the connection needed fewer */
};

static int connect_once(long number, const char *conninfo)
{
    char line[512] = "none";
    left = number;
    is_counting = true;
    PGconn *conn = PQconnectdb(conninfo);
    is_counting = false;
    if (conn != NULL) {
        const char *message = PQstatus(conn) == CONNECTION_OK ? "ok" : PQerrorMessage(conn);
        (void)snprintf(line, sizeof(line), "%s", message);
    }
    for (char *at = line; *at != '\0'; at++) {
        *at = *at == '\n' ? ' ' : *at;
    }
    printf("%s\n", line);
    (void)fflush(stdout);
    return has_failed ? 0 : EXIT_DONE;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "starves ONCE FIRST STEP CONNINFO\n");
        return 2;
    }
    fails_once = strcmp(argv[1], "1") == 0;
    long step = strtol(argv[3], NULL, 10);
    for (long number = strtol(argv[2], NULL, 10);; number += step) {
        int status = 0;
        (void)fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            _exit(connect_once(number, argv[4]));
        }
        if (child < 0 || waitpid(child, &status, 0) != child) {
            return 1;
        }
        if (WIFSIGNALED(status)) {
            printf("signal %d at %ld\n", WTERMSIG(status), number);
            continue;
        }
        if (WEXITSTATUS(status) == EXIT_DONE) {
            return 0;
        }
    }
}
