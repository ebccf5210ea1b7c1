/* SPDX-License-Identifier: MIT
 *
 * Every way to start or reset a connection with libpq, and to ping a server.
 *
 *   ways LOOKUP WAY CONNINFO [HOST PORT DBNAME USER]
 *
 * LOOKUP is "linked" for direct calls of libpq, or "dlsym" for functions looked up in the library
 * WAYS_LIBPQ, as ctypes, cffi and JNA do. Prints "ok USER" or "failed: MESSAGE". WAY is connectdb,
 * params, start, startparams, setdb, login, reset, resetstart, ping, pingparams or version. A way
 * that resets a connection first prints "connected" and waits for a line on stdin. A ping prints
 * "ping RESULT". The way "version" prints libpq's version. The way "login" uses the words after
 * CONNINFO and not CONNINFO. The file is also compiled as a module (-DWAYS_MODULE) with its own
 * copy of libpq.
 */
#include <dlfcn.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#ifndef WAYS_LIBPQ
#define WAYS_LIBPQ "libpq.so.5"
#endif

struct functions {
    PGconn *(*connectdb)(const char *);
    PGconn *(*connect_start)(const char *);
    PGconn *(*connectdb_params)(const char *const *, const char *const *, int);
    PGconn *(*connect_start_params)(const char *const *, const char *const *, int);
    PGconn *(*setdb_login)(
        const char *,
        const char *,
        const char *,
        const char *,
        const char *,
        const char *,
        const char *);
    PostgresPollingStatusType (*connect_poll)(PGconn *);
    PostgresPollingStatusType (*reset_poll)(PGconn *);
    void (*reset)(PGconn *);
    int (*reset_start)(PGconn *);
    PGPing (*ping)(const char *);
    PGPing (*ping_params)(const char *const *, const char *const *, int);
};

static const struct functions linked = {
    PQconnectdb,
    PQconnectStart,
    PQconnectdbParams,
    PQconnectStartParams,
    PQsetdbLogin,
    PQconnectPoll,
    PQresetPoll,
    PQreset,
    PQresetStart,
    PQping,
    PQpingParams,
};

static const char *const names[] = {
    "PQconnectdb",
    "PQconnectStart",
    "PQconnectdbParams",
    "PQconnectStartParams",
    "PQsetdbLogin",
    "PQconnectPoll",
    "PQresetPoll",
    "PQreset",
    "PQresetStart",
    "PQping",
    "PQpingParams",
};

/* Looks up the functions with the handle of libpq, so that objects loaded before it have no effect.
 */
static bool look_up(struct functions *out)
{
    void *found[sizeof(names) / sizeof(names[0])];
    void *libpq = dlopen(WAYS_LIBPQ, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; libpq != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        found[i] = dlsym(libpq, names[i]);
    }
    _Static_assert(sizeof(found) == sizeof(*out), "a name for each function");
    memcpy(out, found, sizeof(found));
    return libpq != NULL;
}

static PGconn *drive(PGconn *conn, PostgresPollingStatusType (*next)(PGconn *))
{
    PostgresPollingStatusType wants = PGRES_POLLING_WRITING;
    while (conn != NULL && PQstatus(conn) != CONNECTION_BAD && wants != PGRES_POLLING_OK &&
           wants != PGRES_POLLING_FAILED) {
        struct pollfd wait = {
            .fd = PQsocket(conn), .events = wants == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        (void)poll(&wait, 1, 20000);
        wants = next(conn);
    }
    return conn;
}

static PGconn *begin(const struct functions *pq, const char *way, char **arguments)
{
    const char *conninfo = arguments[0];
    const char *keywords[] = {"dbname", NULL};
    const char *values[] = {conninfo, NULL};
    if (strcmp(way, "connectdb") == 0) {
        return pq->connectdb(conninfo);
    }
    if (strcmp(way, "params") == 0) {
        return pq->connectdb_params(keywords, values, 1);
    }
    if (strcmp(way, "start") == 0) {
        return drive(pq->connect_start(conninfo), pq->connect_poll);
    }
    if (strcmp(way, "startparams") == 0) {
        return drive(pq->connect_start_params(keywords, values, 1), pq->connect_poll);
    }
    if (strcmp(way, "setdb") == 0) {
        return pq->setdb_login(NULL, NULL, NULL, NULL, conninfo, NULL, NULL);
    }
    if (strcmp(way, "login") == 0) {
        return pq->setdb_login(
            arguments[1], arguments[2], NULL, NULL, arguments[3], arguments[4], NULL);
    }
    return pq->connectdb(conninfo);
}

static int report(PGconn *conn)
{
    int status = 1;
    if (PQstatus(conn) == CONNECTION_OK) {
        PGresult *result = PQexec(conn, "select current_user");
        status = PQresultStatus(result) == PGRES_TUPLES_OK ? 0 : 1;
        printf("ok %s\n", status == 0 ? PQgetvalue(result, 0, 0) : PQerrorMessage(conn));
        PQclear(result);
    } else {
        printf("failed: %s\n", PQerrorMessage(conn));
    }
    PQfinish(conn);
    return status;
}

static void await_line(void)
{
    char line[16];
    printf("connected\n");
    fflush(stdout);
    (void)!fgets(line, sizeof(line), stdin);
}

static int run_way(const struct functions *pq, const char *way, char **arguments)
{
    const char *keywords[] = {"dbname", NULL};
    const char *values[] = {arguments[0], NULL};
    if (strcmp(way, "ping") == 0 || strcmp(way, "pingparams") == 0) {
        PGPing answer =
            way[4] == '\0' ? pq->ping(arguments[0]) : pq->ping_params(keywords, values, 1);
        printf("ping %d\n", (int)answer);
        return answer == PQPING_OK ? 0 : 1;
    }
    if (strcmp(way, "version") == 0) {
        printf("%d\n", PQlibVersion());
        return 0;
    }
    PGconn *conn = begin(pq, way, arguments);
    if (PQstatus(conn) == CONNECTION_OK && strncmp(way, "reset", 5) == 0) {
        await_line();
        if (strcmp(way, "resetstart") == 0 && pq->reset_start(conn) != 0) {
            drive(conn, pq->reset_poll);
        } else {
            pq->reset(conn);
        }
    }
    return report(conn);
}

int ways(int argc, char **argv);

int ways(int argc, char **argv)
{
    struct functions found = linked;
    if (argc < 4 || (strcmp(argv[1], "dlsym") == 0 && !look_up(&found))) {
        fprintf(stderr, "ways LOOKUP WAY CONNINFO [HOST PORT DBNAME USER]\n");
        return 2;
    }
    return run_way(&found, argv[2], argv + 3);
}

#ifndef WAYS_MODULE
int main(int argc, char **argv)
{
    return ways(argc, argv);
}
#endif
