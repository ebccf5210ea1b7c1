/* SPDX-License-Identifier: MIT
 *
 * pqConnectOptions2() in fe-connect.c, PostgreSQL 10 to 18, settles host, port, user, password and
 * passfile first, and looks at sslmode and at target_session_attrs after that. It compares the
 * numbers of hosts and ports before it opens a passfile, and a service file is read before all of
 * it: so the files that libpq opens in a connection whose numbers do not match are service files,
 * and the last one is the one that has the service. */
#include "preload/probe.h"

#include "preload/hold.h"
#include "preload/overlay.h"

#include "aws/token_text.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_VERSION = 100000,
};

static const char wrong_value[] = "rds-iam-probe";

bool ria_probe_is_possible(const struct ria_library *libpq)
{
    int (*version)(void);
    return ria_library_function(libpq, "PQlibVersion", &version) && version() >= FIRST_VERSION;
}

/* -- one refused connection ------------------------------------------------------------------ */

/* Begins a connection that must fail at once. NULL if there is none; *is_expected: it has failed,
 * and its message holds `piece`. */
static struct ria_pq_conn *begin(
    const struct ria_library *libpq,
    const struct ria_arguments *arguments,
    const char *piece,
    bool *is_expected)
{
    struct ria_pq_conn *(*start)(const char *const *, const char *const *, int);
    int (*status)(const struct ria_pq_conn *);
    char *(*message)(const struct ria_pq_conn *);
    *is_expected = false;
    if (!ria_probe_is_possible(libpq) ||
        !ria_library_function(libpq, "PQconnectStartParams", &start) ||
        !ria_library_function(libpq, "PQstatus", &status) ||
        !ria_library_function(libpq, "PQerrorMessage", &message)) {
        return NULL;
    }
    struct ria_pq_conn *conn =
        start(arguments->keywords, arguments->values, arguments->expand_dbname);
    if (conn != NULL && status(conn) == RIA_PQ_CONNECTION_BAD) {
        const char *text = message(conn);
        *is_expected = text != NULL && strstr(text, piece) != NULL;
    }
    return conn;
}

/* A connection that was begun after all is not the program's: it is not handed over. */
static bool is_refused(const struct ria_library *libpq, const struct ria_pq_conn *conn)
{
    int (*status)(const struct ria_pq_conn *);
    return conn != NULL && ria_library_function(libpq, "PQstatus", &status) &&
           status(conn) == RIA_PQ_CONNECTION_BAD;
}

static void finish(const struct ria_library *libpq, struct ria_pq_conn *conn)
{
    void (*real)(struct ria_pq_conn *);
    if (conn != NULL && ria_library_function(libpq, "PQfinish", &real)) {
        real(conn);
    }
}

/* -- the settings ---------------------------------------------------------------------------- */

static bool is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* PQconninfo() leaves out what it has no memory for, and does not say so. So it is asked twice. */
static bool is_complete(
    const struct ria_library *libpq, struct ria_pq_conn *conn, const struct ria_pq_option *options)
{
    struct ria_pq_option *(*conninfo)(struct ria_pq_conn *);
    void (*release)(struct ria_pq_option *);
    if (options == NULL || !ria_library_function(libpq, "PQconninfo", &conninfo) ||
        !ria_library_function(libpq, "PQconninfoFree", &release)) {
        return false;
    }
    struct ria_pq_option *again = conninfo(conn);
    const struct ria_pq_option *at = again;
    while (at != NULL && at->keyword != NULL && is_same(at->keyword, options->keyword) &&
           is_same(at->val, options->val)) {
        at++;
        options++;
    }
    bool ok = at != NULL && at->keyword == NULL && options->keyword == NULL;
    release(again);
    return ok;
}

bool ria_probe_connection(
    const struct ria_library *libpq, struct ria_pq_conn *conn, struct ria_settled *out)
{
    struct ria_pq_option *(*conninfo)(struct ria_pq_conn *);
    char *(*pass)(const struct ria_pq_conn *);
    *out = (struct ria_settled){.libpq = libpq};
    if (!ria_library_function(libpq, "PQconninfo", &conninfo) ||
        !ria_library_function(libpq, "PQpass", &pass)) {
        return false;
    }
    out->options = conninfo(conn);
    const char *password = pass(conn);
    bool is_set = password != NULL && *password != '\0';
    bool is_token = is_set && ria_is_token(password);
    out->has_stored_password = is_set && !is_token;
    out->stored_token = is_token ? strdup(password) : NULL;
    return is_complete(libpq, conn, out->options) && (!is_token || out->stored_token != NULL);
}

enum ria_probe_answer ria_probe(
    const struct ria_library *libpq,
    struct ria_arguments *arguments,
    const char *spoiled,
    struct ria_settled *out)
{
    bool is_expected;
    size_t count = arguments->count;
    *out = (struct ria_settled){.libpq = libpq};
    struct ria_hold hold;
    ria_arguments_add(arguments, spoiled, wrong_value);
    ria_hold_begin(&hold); /* a handler that jumps away would leave what it calls unjudged */
    struct ria_pq_conn *conn = begin(libpq, arguments, wrong_value, &is_expected);
    ria_hold_end(&hold);
    ria_arguments_cut(arguments, count);
    if (!is_expected && is_refused(libpq, conn)) {
        out->refused = conn;
        return RIA_PROBE_REFUSED;
    }
    bool ok = is_expected && ria_probe_connection(libpq, conn, out);
    finish(libpq, conn);
    return ok ? RIA_PROBE_SETTLED : RIA_PROBE_UNKNOWN;
}

/* -- the service file ------------------------------------------------------------------------ */

/* 97 empty hosts. Whatever hostaddr is, 97 is in the message that the numbers do not match. */
static const char many_hosts[] = ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"
                                 ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,";
static const char how_many[] = "97";
_Static_assert(sizeof(many_hosts) == 97, "96 commas and a NUL");

bool ria_probe_service(
    const struct ria_library *libpq, struct ria_arguments *arguments, struct ria_settled *settled)
{
    bool is_expected;
    struct ria_hold hold;
    size_t count = arguments->count;
    ria_arguments_add(arguments, "host", many_hosts);
    ria_arguments_add(arguments, "port", "1,2");
    ria_arguments_add(arguments, "user", wrong_value); /* else libpq looks the user up */
    enum ria_overlay_mode before = ria_overlay_mode();
    ria_hold_begin(&hold); /* a handler that jumps away would leave the descriptor open */
    ria_overlay_set(RIA_OVERLAY_WATCH);
    struct ria_pq_conn *conn = begin(libpq, arguments, how_many, &is_expected);
    bool is_noted = ria_overlay_watched(&settled->service_path, &settled->service_fd);
    ria_overlay_set(before);
    ria_hold_end(&hold);
    ria_arguments_cut(arguments, count);
    finish(libpq, conn);
    return is_expected && is_noted;
}
