/* SPDX-License-Identifier: MIT
 *
 * pqConnectOptions2() in fe-connect.c, PostgreSQL 10 to 18, settles host, port, user, password and
 * passfile first, and looks at sslmode and at target_session_attrs after that. */
#include "preload/probe.h"

#include "aws/token_text.h"
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

bool ria_arguments_init(struct ria_arguments *arguments, size_t room, int expand_dbname)
{
    *arguments = (struct ria_arguments){.expand_dbname = expand_dbname, .room = room};
    arguments->keywords = calloc(room + 1, sizeof(*arguments->keywords));
    arguments->values = calloc(room + 1, sizeof(*arguments->values));
    return arguments->keywords != NULL && arguments->values != NULL;
}

void ria_arguments_add(struct ria_arguments *arguments, const char *keyword, const char *value)
{
    if (arguments->count < arguments->room) {
        arguments->keywords[arguments->count] = keyword;
        arguments->values[arguments->count++] = value;
    }
}

char *ria_arguments_text(struct ria_arguments *arguments, size_t size)
{
    arguments->text = malloc(size);
    return arguments->text;
}

void ria_arguments_release(struct ria_arguments *arguments)
{
    free(arguments->keywords);
    free(arguments->values);
    free(arguments->text);
    *arguments = (struct ria_arguments){0};
}

bool ria_probe_connection(
    const struct ria_libpq *libpq, struct ria_pq_conn *conn, struct ria_settled *out)
{
    struct ria_pq_option *(*conninfo)(struct ria_pq_conn *);
    char *(*pass)(const struct ria_pq_conn *);
    *out = (struct ria_settled){.libpq = libpq};
    if (!ria_libpq_function(libpq, "PQconninfo", &conninfo) ||
        !ria_libpq_function(libpq, "PQpass", &pass)) {
        return false;
    }
    out->options = conninfo(conn);
    const char *password = pass(conn);
    bool is_set = password != NULL && *password != '\0';
    bool is_token = is_set && ria_is_token(password);
    out->has_stored_password = is_set && !is_token;
    out->stored_token = is_token ? strdup(password) : NULL;
    return out->options != NULL;
}

bool ria_probe(
    const struct ria_libpq *libpq,
    struct ria_arguments *arguments,
    const char *spoiled,
    struct ria_settled *out)
{
    struct ria_pq_conn *(*start)(const char *const *, const char *const *, int);
    void (*finish)(struct ria_pq_conn *);
    int (*status)(const struct ria_pq_conn *);
    *out = (struct ria_settled){0};
    if (!ria_libpq_function(libpq, "PQconnectStartParams", &start) ||
        !ria_libpq_function(libpq, "PQfinish", &finish) ||
        !ria_libpq_function(libpq, "PQstatus", &status)) {
        return false;
    }
    ria_arguments_add(arguments, spoiled, "rds-iam-probe");
    struct ria_pq_conn *conn =
        start(arguments->keywords, arguments->values, arguments->expand_dbname);
    arguments->keywords[--arguments->count] = NULL;
    bool ok = conn != NULL && status(conn) == RIA_PQ_CONNECTION_BAD &&
              ria_probe_connection(libpq, conn, out);
    finish(conn);
    return ok;
}

char *ria_settled_value(const struct ria_settled *settled, const char *keyword)
{
    for (const struct ria_pq_option *at = settled->options; at->keyword != NULL; at++) {
        if (strcmp(at->keyword, keyword) == 0) {
            return at->val == NULL || *at->val == '\0' ? NULL : at->val;
        }
    }
    return NULL;
}

void ria_settled_release(struct ria_settled *settled)
{
    void (*release)(struct ria_pq_option *);
    if (settled->options != NULL &&
        ria_libpq_function(settled->libpq, "PQconninfoFree", &release)) {
        release(settled->options);
    }
    if (settled->stored_token != NULL) {
        explicit_bzero(settled->stored_token, strlen(settled->stored_token));
        free(settled->stored_token);
    }
    *settled = (struct ria_settled){0};
}
