/* SPDX-License-Identifier: MIT
 *
 * Logs in with libpq, which is loaded at run time. Runs one query that reads the session's user.
 * Does not include libpq-fe.h, but declares the functions of libpq itself; libpq-fe.h of PostgreSQL
 * 10 to 18 has the same declarations. */
#include "probe/probe_program.h"

#include <stddef.h>

enum {
    PARAMETERS_MAX = 16,
    CONNECTION_OK = 0,
};

struct pg_connection;
struct pg_result;

struct libpq {
    int (*version)(void);
    struct pg_connection *(*connect)(const char *const *, const char *const *, int);
    int (*status)(const struct pg_connection *);
    char *(*error)(const struct pg_connection *);
    const char *(*parameter)(const struct pg_connection *, const char *);
    const char *(*tls_attribute)(struct pg_connection *, const char *);
    struct pg_result *(*query)(struct pg_connection *, const char *);
    int (*rows)(const struct pg_result *);
    char *(*value)(const struct pg_result *, int, int);
    void (*clear)(struct pg_result *);
    void (*finish)(struct pg_connection *);
};

static bool load_libpq(const char *library, struct libpq *out)
{
    const struct probe_function functions[] = {
        {"PQlibVersion", (void **)&out->version},
        {"PQconnectdbParams", (void **)&out->connect},
        {"PQstatus", (void **)&out->status},
        {"PQerrorMessage", (void **)&out->error},
        {"PQparameterStatus", (void **)&out->parameter},
        {"PQsslAttribute", (void **)&out->tls_attribute},
        {"PQexec", (void **)&out->query},
        {"PQntuples", (void **)&out->rows},
        {"PQgetvalue", (void **)&out->value},
        {"PQclear", (void **)&out->clear},
        {"PQfinish", (void **)&out->finish},
    };
    return probe_load(library, functions, sizeof(functions) / sizeof(functions[0]));
}

static void print_if_known(const char *name, const char *value)
{
    if (value != NULL) {
        probe_print(name, "%s", value);
    }
}

static void print_session(const struct libpq *libpq, struct pg_connection *connection)
{
    struct pg_result *result = libpq->query(connection, "SELECT current_user");
    if (libpq->rows(result) == 1) {
        probe_print("user", "%s", libpq->value(result, 0, 0));
    }
    libpq->clear(result);
    print_if_known("server_version", libpq->parameter(connection, "server_version"));
    print_if_known("protocol", libpq->tls_attribute(connection, "protocol"));
    print_if_known("cipher", libpq->tls_attribute(connection, "cipher"));
}

bool probe_login_postgres(const char *library, char **arguments)
{
    struct libpq libpq = {0};
    const char *keywords[PARAMETERS_MAX + 1] = {0};
    const char *values[PARAMETERS_MAX + 1] = {0};
    if (!load_libpq(library, &libpq)) {
        return false;
    }
    for (size_t i = 0; i < PARAMETERS_MAX && arguments[2 * i] != NULL; i++) {
        keywords[i] = arguments[2 * i];
        values[i] = arguments[2 * i + 1];
    }
    int version = libpq.version();
    probe_print("library_version", "libpq %d.%d", version / 10000, version % 10000);
    int64_t begun = probe_ticks();
    struct pg_connection *connection = libpq.connect(keywords, values, 0);
    probe_print("login_us", "%lld", (long long)(probe_ticks() - begun));
    if (libpq.status(connection) == CONNECTION_OK) {
        probe_print("login", "ok");
        print_session(&libpq, connection);
    } else {
        probe_print("login", "failed");
        probe_print("error", "%s", libpq.error(connection));
    }
    libpq.finish(connection);
    return true;
}
