/* SPDX-License-Identifier: MIT
 *
 * Logs in with the client library that the caller names: MariaDB Connector/C or libmysqlclient.
 * Then runs one query that reads the session's user. Includes no header of these libraries, but
 * declares the functions and option numbers itself. These are the same in Connector/C 3 and in
 * libmysqlclient 20 to 24. Rejects an unknown parameter. */
#include "probe/probe_program.h"

#include <stdlib.h>
#include <string.h>

enum {
    OPTION_CONNECT_TIMEOUT = 0,
    OPTION_READ_DEFAULT_FILE = 4,
    OPTION_READ_DEFAULT_GROUP = 5,
    OPTION_PROTOCOL = 9,
    PROTOCOL_TCP = 1,
};

struct mysql_handle;
struct mysql_rows;

struct libmysql {
    const char *(*version)(void);
    struct mysql_handle *(*init)(struct mysql_handle *);
    int (*option)(struct mysql_handle *, int, const void *);
    struct mysql_handle *(*connect)(
        struct mysql_handle *,
        const char *,
        const char *,
        const char *,
        const char *,
        unsigned,
        const char *,
        unsigned long);
    unsigned (*error_number)(struct mysql_handle *);
    const char *(*error)(struct mysql_handle *);
    const char *(*sqlstate)(struct mysql_handle *);
    const char *(*server)(struct mysql_handle *);
    const char *(*cipher)(struct mysql_handle *);
    int (*query)(struct mysql_handle *, const char *);
    struct mysql_rows *(*result)(struct mysql_handle *);
    char **(*row)(struct mysql_rows *);
    void (*clear)(struct mysql_rows *);
    void (*close)(struct mysql_handle *);
};

struct parameters {
    const char *host;
    const char *port;
    const char *user;
    const char *dbname;
    const char *timeout; /* seconds for the connection, and for each message of the login */
    const char *file;    /* option file */
    const char *group;   /* group of the option file */
};

static bool load_libmysql(const char *library, struct libmysql *out)
{
    const struct probe_function functions[] = {
        {"mysql_get_client_info", (void **)&out->version},
        {"mysql_init", (void **)&out->init},
        {"mysql_options", (void **)&out->option},
        {"mysql_real_connect", (void **)&out->connect},
        {"mysql_errno", (void **)&out->error_number},
        {"mysql_error", (void **)&out->error},
        {"mysql_sqlstate", (void **)&out->sqlstate},
        {"mysql_get_server_info", (void **)&out->server},
        {"mysql_get_ssl_cipher", (void **)&out->cipher},
        {"mysql_query", (void **)&out->query},
        {"mysql_store_result", (void **)&out->result},
        {"mysql_fetch_row", (void **)&out->row},
        {"mysql_free_result", (void **)&out->clear},
        {"mysql_close", (void **)&out->close},
    };
    return probe_load(library, functions, sizeof(functions) / sizeof(functions[0]));
}

static bool read_parameters(char **arguments, struct parameters *out)
{
    const struct {
        const char *name;
        const char **value;
    } table[] = {
        {"host", &out->host},
        {"port", &out->port},
        {"user", &out->user},
        {"dbname", &out->dbname},
        {"connect_timeout", &out->timeout},
        {"file", &out->file},
        {"group", &out->group},
    };
    for (; *arguments != NULL; arguments += 2) {
        size_t i = 0;
        while (i < sizeof(table) / sizeof(table[0]) && strcmp(*arguments, table[i].name) != 0) {
            i++;
        }
        if (i == sizeof(table) / sizeof(table[0])) {
            return false;
        }
        *table[i].value = arguments[1];
    }
    return true;
}

static void print_mysql_session(const struct libmysql *lib, struct mysql_handle *handle)
{
    struct mysql_rows *rows = NULL;
    char **row = NULL;
    if (lib->query(handle, "SELECT current_user()") == 0) {
        rows = lib->result(handle);
    }
    if (rows != NULL) {
        row = lib->row(rows);
    }
    if (row != NULL && row[0] != NULL) {
        probe_print("user", "%s", row[0]);
    }
    if (rows != NULL) {
        lib->clear(rows);
    }
    const char *cipher = lib->cipher(handle);
    probe_print("server_version", "%s", lib->server(handle));
    if (cipher != NULL) {
        probe_print("cipher", "%s", cipher);
    }
}

/* Returns the handle with its options set, or NULL if memory runs out. */
static struct mysql_handle *prepare_handle(
    const struct libmysql *lib, const struct parameters *parameters)
{
    unsigned timeout =
        parameters->timeout == NULL ? 0 : (unsigned)strtoul(parameters->timeout, NULL, 10);
    struct mysql_handle *handle = lib->init(NULL);
    if (handle == NULL) {
        return NULL;
    }
    (void)lib->option(handle, OPTION_CONNECT_TIMEOUT, &timeout);
    if (parameters->port != NULL) {
        /* Without this option, both libraries connect to localhost over a Unix socket, and ignore
         * the port. The mariadb command, too, uses TCP if its arguments have a port. */
        unsigned protocol = PROTOCOL_TCP;
        (void)lib->option(handle, OPTION_PROTOCOL, &protocol);
    }
    if (parameters->file != NULL) {
        (void)lib->option(handle, OPTION_READ_DEFAULT_FILE, parameters->file);
    }
    if (parameters->group != NULL) {
        (void)lib->option(handle, OPTION_READ_DEFAULT_GROUP, parameters->group);
    }
    return handle;
}

bool probe_login_mysql(const char *library, char **arguments)
{
    struct libmysql lib = {0};
    struct parameters parameters = {0};
    if (!read_parameters(arguments, &parameters) || !load_libmysql(library, &lib)) {
        return false;
    }
    probe_print("library_version", "%s %s", library, lib.version());
    struct mysql_handle *handle = prepare_handle(&lib, &parameters);
    if (handle == NULL) {
        return false;
    }
    unsigned port = parameters.port == NULL ? 0 : (unsigned)strtoul(parameters.port, NULL, 10);
    int64_t begun = probe_ticks();
    bool ok =
        lib.connect(
            handle, parameters.host, parameters.user, NULL, parameters.dbname, port, NULL, 0) !=
        NULL;
    probe_print("login_us", "%lld", (long long)(probe_ticks() - begun));
    probe_print("login", ok ? "ok" : "failed");
    if (ok) {
        print_mysql_session(&lib, handle);
    } else {
        probe_print("error_code", "%u", lib.error_number(handle));
        probe_print("sqlstate", "%s", lib.sqlstate(handle));
        probe_print("error", "%s", lib.error(handle));
    }
    lib.close(handle);
    return true;
}
