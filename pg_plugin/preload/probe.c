/* SPDX-License-Identifier: MIT
 *
 * pqConnectOptions2() in fe-connect.c, PostgreSQL 10 to 18, settles host, port, user, password and
 * passfile first, and looks at sslmode and at target_session_attrs after that. It compares the
 * numbers of hosts and ports before it opens a passfile, and a service file is read before all of
 * it: so the files that libpq opens in a connection whose numbers do not match are service files,
 * and the last one is the one that has the service. */
#include "preload/probe.h"

#include "preload/overlay.h"
#include "interpose/signal_guard.h"

#include "rds_iam.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FIRST_VERSION = 100000,

    /* Every option of libpq 18, and some of later ones. */
    OPTIONS_MAX = 128,
    MORE = 3,
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
static struct ria_pq_conn *probe_begin(
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

static void probe_finish(const struct ria_library *libpq, struct ria_pq_conn *conn)
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
static bool probe_is_complete(
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
    return probe_is_complete(libpq, conn, out->options) && (!is_token || out->stored_token != NULL);
}

enum ria_probe_response ria_probe(
    const struct ria_library *libpq,
    struct ria_arguments *arguments,
    const char *spoiled,
    struct ria_settled *out)
{
    bool is_expected;
    size_t count = arguments->count;
    *out = (struct ria_settled){.libpq = libpq};
    struct ria_signal_guard guard;
    ria_arguments_add(arguments, spoiled, wrong_value);
    ria_signal_guard_begin(
        &guard); /* a handler that jumps away would leave what it calls unjudged */
    struct ria_pq_conn *conn = probe_begin(libpq, arguments, wrong_value, &is_expected);
    ria_signal_guard_end(&guard);
    ria_arguments_cut(arguments, count);
    if (!is_expected && is_refused(libpq, conn)) {
        out->refused = conn;
        return RIA_PROBE_REFUSED;
    }
    bool ok = is_expected && ria_probe_connection(libpq, conn, out);
    probe_finish(libpq, conn);
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
    struct ria_signal_guard guard;
    size_t count = arguments->count;
    ria_arguments_add(arguments, "host", many_hosts);
    ria_arguments_add(arguments, "port", "1,2");
    ria_arguments_add(arguments, "user", wrong_value); /* else libpq looks the user up */
    enum ria_overlay_mode before = ria_overlay_mode();
    ria_signal_guard_begin(&guard); /* a handler that jumps away would leave the descriptor open */
    ria_overlay_set(RIA_OVERLAY_WATCH);
    struct ria_pq_conn *conn = probe_begin(libpq, arguments, how_many, &is_expected);
    bool is_noted = ria_overlay_watched(&settled->service_path, &settled->service_fd);
    ria_overlay_set(before);
    ria_signal_guard_end(&guard);
    ria_arguments_cut(arguments, count);
    probe_finish(libpq, conn);
    return is_expected && is_noted;
}

/* -- what follows from the settings ---------------------------------------------------------- */

char *ria_settled_value(const struct ria_settled *settled, const char *keyword)
{
    for (const struct ria_pq_option *at = settled->options; at->keyword != NULL; at++) {
        if (strcmp(at->keyword, keyword) == 0) {
            return at->val == NULL || *at->val == '\0' ? NULL : at->val;
        }
    }
    return NULL;
}

bool ria_settled_prefers_gss(const struct ria_settled *settled)
{
    const char *mode = ria_settled_value(settled, "gssencmode");
    return mode != NULL && strcmp(mode, "prefer") == 0;
}

/* -- where it goes --------------------------------------------------------------------------- */

/* Moves to the next item of a list, or to the end of its last one. NULL is an empty list. */
static const char *next_item(const char *item)
{
    const char *end = item == NULL ? NULL : strchrnul(item, ',');
    return end == NULL || *end == '\0' ? end : end + 1;
}

static bool is_empty_item(const char *item)
{
    return item == NULL || *item == '\0' || *item == ',';
}

/* libpq dials the address of an entry if it has one, else its host. An entry that has neither is
 * the default directory of sockets. Before libpq 14 '@' was the beginning of a name, which DNS does
 * not know. Both lists have as many items, or libpq refuses the connection. */
static bool has_socket(const char *hosts, const char *addresses)
{
    const char *list = addresses != NULL ? addresses : hosts;
    size_t count = 1;
    for (const char *at = list; at != NULL && *at != '\0'; at++) {
        count += *at == ',' ? 1 : 0;
    }
    for (; count > 0; count--) {
        bool is_named = !is_empty_item(hosts) && *hosts != '/' && *hosts != '@';
        if (is_empty_item(addresses) && !is_named) {
            return true;
        }
        hosts = next_item(hosts);
        addresses = next_item(addresses);
    }
    return false;
}

struct ria_pq_target ria_settled_target(const struct ria_settled *settled)
{
    struct ria_pq_target target = {
        .host = ria_settled_value(settled, "host"),
        .hostaddr = ria_settled_value(settled, "hostaddr"),
        .port = ria_settled_value(settled, "port"),
        .user = ria_settled_value(settled, "user"),
        .sslmode = ria_settled_value(settled, "sslmode"),
        .gssencmode = ria_settled_value(settled, "gssencmode"),
        .passfile = ria_settled_value(settled, "passfile"),
        .service_path = settled->service_path,
        .service_fd = settled->service_fd,
    };
    target.has_socket = has_socket(target.host, target.hostaddr);
    return target;
}

/* -- the same without a password ------------------------------------------------------------- */

static bool is_one_of(const char *keyword, const char *const *list)
{
    while (*list != NULL && strcmp(*list, keyword) != 0) {
        list++;
    }
    return *list != NULL;
}

static bool is_left_out(const struct ria_pq_option *option, const char *const *but)
{
    return option->val == NULL || strcmp(option->keyword, "password") == 0 ||
           is_one_of(option->keyword, but);
}

/* Only a connection string can say that a setting is empty, as the password now is: an empty
 * argument means that the environment or the default counts (10 to 18). */
static bool say_what_is_empty(
    const struct ria_settled *settled, const char *const *but, struct ria_arguments *out)
{
    static const char password[] = "password=''";
    size_t size = sizeof(password);
    for (const struct ria_pq_option *at = settled->options; at->keyword != NULL; at++) {
        size += strlen(at->keyword) + strlen(" =''");
    }
    char *end = ria_arguments_text(out, size);
    end = end == NULL ? NULL : stpcpy(end, password);
    for (const struct ria_pq_option *at = settled->options; end != NULL && at->keyword != NULL;
         at++) {
        if (!is_left_out(at, but) && *at->val == '\0') {
            end = stpcpy(stpcpy(stpcpy(end, " "), at->keyword), "=''");
        }
    }
    ria_arguments_add(out, "dbname", out->text);
    return end != NULL;
}

bool ria_settled_without_password(
    const struct ria_settled *settled, const char *const *but, struct ria_arguments *out)
{
    if (!ria_arguments_init(out, OPTIONS_MAX + MORE + 1, 1) ||
        !say_what_is_empty(settled, but, out)) {
        return false;
    }
    for (const struct ria_pq_option *at = settled->options; at->keyword != NULL; at++) {
        if (!is_left_out(at, but) && *at->val != '\0' && out->count < OPTIONS_MAX) {
            ria_arguments_add(out, at->keyword, at->val);
        }
    }
    return true;
}

void ria_settled_release(struct ria_settled *settled)
{
    void (*release)(struct ria_pq_option *);
    if (settled->options != NULL &&
        ria_library_function(settled->libpq, "PQconninfoFree", &release)) {
        release(settled->options);
    }
    probe_finish(settled->libpq, settled->refused);
    if (settled->stored_token != NULL) {
        explicit_bzero(settled->stored_token, strlen(settled->stored_token));
        free(settled->stored_token);
    }
    if (settled->service_path != NULL && settled->service_fd >= 0) {
        (void)close(settled->service_fd);
    }
    free(settled->service_path);
    *settled = (struct ria_settled){0};
}
