/* SPDX-License-Identifier: MIT
 *
 * Measures the cost of a login inside one process, in nanoseconds. bench_growth.py creates the
 * files and prints the ratios. The compared variants run alternately, so that a busy machine slows
 * all of them.
 *
 *   logins files FILE...     a token with each configuration file: one line each, the median
 *   logins first FILE...     a token in the first login of a process, which reads the file
 *   logins threads           a token as the plugins make it: on the first and on another thread
 *
 * The first two measure processor time, on which other programs have little effect. The third
 * measures elapsed time, because its cost is the wait for a thread.
 */
#include "login_token.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUNDS = 201,
    FIRST_ROUNDS = 41,
    LOGINS = 5, /* per round and variant */
    WAYS_MAX = 8,
};

static const char host[] = "wanted.abcdefghijkl.us-east-1.rds.amazonaws.com";

static int64_t nanoseconds(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return ((int64_t)now.tv_sec * 1000000000) + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t median(int64_t *times, size_t count)
{
    qsort(times, count, sizeof(*times), compare);
    return times[count / 2];
}

static void end(const char *why)
{
    (void)fprintf(stderr, "%s\n", why);
    exit(EXIT_FAILURE);
}

/* Signs the token of one login in the same way as the plugins do. */
static void log_in(void)
{
    struct ria_login_token *login_token = calloc(1, sizeof(*login_token));
    if (login_token == NULL) {
        end("no memory");
        return;
    }
    login_token->token = (struct ria_token)RIA_TOKEN_INIT;
    login_token->login = (struct ria_login){
        .host = host, .port = 5432, .user = "u", .channel = RIA_CHANNEL_VERIFIED};
    if (!ria_login_token_run(login_token) || login_token->outcome != RIA_FOUND) {
        end(login_token->err.text);
    }
    ria_token_release(&login_token->token);
    free(login_token);
}

static int64_t time_logins(clockid_t clock)
{
    int64_t start = nanoseconds(clock);
    for (unsigned i = 0; i < LOGINS; i++) {
        log_in();
    }
    return (nanoseconds(clock) - start) / LOGINS;
}

static void name_file(const char *path)
{
    if (setenv("RDS_IAM_CONFIG", path, 1) != 0) {
        end("no memory");
    }
}

static void files(char **paths)
{
    static int64_t times[WAYS_MAX][ROUNDS];
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < WAYS_MAX && paths[i] != NULL; i++) {
            name_file(paths[i]);
            log_in(); /* the runs with the other files have replaced the contents of the processor's
                         caches */
            times[i][round] = time_logins(CLOCK_PROCESS_CPUTIME_ID);
        }
    }
    for (unsigned i = 0; i < WAYS_MAX && paths[i] != NULL; i++) {
        (void)printf("%lld\n", (long long)median(times[i], ROUNDS));
    }
}

/* Measures one login in a child process. Neither the child nor its parent has read a file before,
 * so the login reads the file. */
static int64_t time_first(const char *path)
{
    int ends[2];
    int64_t took = 0;
    if (pipe(ends) != 0) {
        end("no pipe");
    }
    pid_t child = fork();
    if (child == 0) {
        name_file(path);
        int64_t start = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
        log_in();
        took = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - start;
        _exit(write(ends[1], &took, sizeof(took)) == sizeof(took) ? 0 : 1);
    }
    if (child < 0 || read(ends[0], &took, sizeof(took)) != sizeof(took)) {
        end("no answer from the child");
    }
    (void)waitpid(child, NULL, 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return took;
}

static void first(char **paths)
{
    static int64_t times[WAYS_MAX][FIRST_ROUNDS];
    ria_prepare(); /* the start of OpenSSL costs the same for all files */
    for (unsigned round = 0; round < FIRST_ROUNDS; round++) {
        for (unsigned i = 0; i < WAYS_MAX && paths[i] != NULL; i++) {
            times[i][round] = time_first(paths[i]);
        }
    }
    for (unsigned i = 0; i < WAYS_MAX && paths[i] != NULL; i++) {
        (void)printf("%lld\n", (long long)median(times[i], FIRST_ROUNDS));
    }
}

static pthread_barrier_t turn;
static int64_t on_thread[ROUNDS];

static void *log_in_on_thread(void *unused)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        (void)pthread_barrier_wait(&turn);
        log_in();
        on_thread[round] = time_logins(CLOCK_MONOTONIC);
        (void)pthread_barrier_wait(&turn);
    }
    return unused;
}

static void threads(void)
{
    static int64_t on_first[ROUNDS];
    pthread_t thread;
    if (pthread_barrier_init(&turn, NULL, 2) != 0 ||
        pthread_create(&thread, NULL, log_in_on_thread, NULL) != 0) {
        end("no thread");
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        (void)pthread_barrier_wait(&turn);
        (void)pthread_barrier_wait(&turn); /* the other variant has finished its turn */
        log_in();
        on_first[round] = time_logins(CLOCK_MONOTONIC);
    }
    (void)pthread_join(thread, NULL);
    (void)printf("%lld\n", (long long)median(on_first, ROUNDS));
    (void)printf("%lld\n", (long long)median(on_thread, ROUNDS));
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "files") == 0) {
        files(argv + 2);
    } else if (strcmp(what, "first") == 0) {
        first(argv + 2);
    } else if (strcmp(what, "threads") == 0) {
        threads();
    } else {
        end("usage: logins files FILE... | first FILE... | threads");
    }
    return EXIT_SUCCESS;
}
