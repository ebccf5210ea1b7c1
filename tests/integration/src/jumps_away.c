/* SPDX-License-Identifier: MIT
 *
 * Begins a slow connection, leaves the attempt by siglongjmp() from a handler of SIGUSR1, and
 * prints "jumped". What it does next depends on its arguments:
 *
 *   jumps_away CONNINFO              connects again with CONNINFO; prints "ok USER" or "failed:
 *                                    MESSAGE", and then the number of open memfds
 *   jumps_away CONNINFO OTHER        connects with OTHER, from a frame deeper in the stack than the
 *                                    first attempt; prints "failed: MESSAGE"
 *   jumps_away CONNINFO OTHER ping   calls PQping() with OTHER, also from a deeper frame; prints
 *                                    "ping RESULT"
 */
#include <dirent.h>
#include <libpq-fe.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static sigjmp_buf before;

static void jump(int signal)
{
    siglongjmp(before, signal);
}

static unsigned count_files_in_memory(void)
{
    unsigned count = 0;
    DIR *entries = opendir("/proc/self/fd");
    for (const struct dirent *entry = NULL;
         entries != NULL && (entry = readdir(entries)) != NULL;) {
        char target[64] = "";
        (void)!readlinkat(dirfd(entries), entry->d_name, target, sizeof(target) - 1);
        count += strncmp(target, "/memfd:", strlen("/memfd:")) == 0;
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
    return count;
}

static PGresult *ask(PGconn **conn, const char *conninfo)
{
    *conn = PQconnectdb(conninfo);
    return PQexec(*conn, "select current_user");
}

static int ask_from_below(const char *conninfo, bool is_ping)
{
    volatile char room[64 * 1024];
    room[0] = room[sizeof(room) - 1] = 0;
    if (is_ping) {
        return printf("ping %d\n", (int)PQping(conninfo)) < 0;
    }
    PGconn *conn = PQconnectdb(conninfo);
    (void)printf("failed: %s\n", PQerrorMessage(conn));
    PQfinish(conn);
    return room[0];
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = jump};
    PGconn *conn = NULL;
    if (argc < 2 || argc > 4 || sigaction(SIGUSR1, &action, NULL) != 0) {
        return 2;
    }
    if (sigsetjmp(before, 1) == 0) {
        PQclear(ask(&conn, argv[1]));
        (void)puts("not interrupted");
        return 1;
    }
    (void)puts("jumped");
    (void)fflush(stdout);
    if (argc > 2) {
        return ask_from_below(argv[2], argc > 3);
    }
    PGresult *result = ask(&conn, argv[1]);
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        (void)printf("ok %s\n", PQgetvalue(result, 0, 0));
    } else {
        (void)printf("failed: %s\n", PQerrorMessage(conn));
    }
    (void)printf("files in memory: %u\n", count_files_in_memory());
    PQclear(result);
    PQfinish(conn);
    return 0;
}
