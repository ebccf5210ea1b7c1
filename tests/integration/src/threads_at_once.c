/* SPDX-License-Identifier: MIT
 *
 * usage: threads_at_once COUNT CONNINFO
 *
 * COUNT threads make the process's first connections with libpq at the same time. Prints the user
 * of each connection, or its error. */
#include <libpq-fe.h>
#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    COUNT_MAX = 100
};

struct task {
    pthread_barrier_t barrier;
    const char *conninfo;
};

static void *connect_once(void *argument)
{
    struct task *task = argument;
    (void)pthread_barrier_wait(&task->barrier);
    PGconn *connection = PQconnectdb(task->conninfo);
    bool ok = PQstatus(connection) == CONNECTION_OK;
    PGresult *result = ok ? PQexec(connection, "select current_user") : NULL;
    ok = result != NULL && PQresultStatus(result) == PGRES_TUPLES_OK;
    (void)puts(ok ? PQgetvalue(result, 0, 0) : PQerrorMessage(connection));
    PQclear(result);
    PQfinish(connection);
    return NULL;
}

/* libnss_wrapper, which resolves the lab's host names, is not thread-safe at its first use. */
static void resolve_once(void)
{
    struct addrinfo *found = NULL;
    if (getaddrinfo("localhost", NULL, NULL, &found) == 0) {
        freeaddrinfo(found);
    }
}

int main(int argc, char **argv)
{
    pthread_t threads[COUNT_MAX];
    struct task task = {.conninfo = argc == 3 ? argv[2] : NULL};
    unsigned count = argc == 3 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    if (count == 0 || count > COUNT_MAX || pthread_barrier_init(&task.barrier, NULL, count) != 0) {
        (void)fprintf(stderr, "usage: threads_at_once COUNT CONNINFO\n");
        return 2;
    }
    resolve_once();
    for (unsigned i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, connect_once, &task) != 0) {
            return 2;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return 0;
}
