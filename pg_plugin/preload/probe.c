/* SPDX-License-Identifier: MIT
 *
 * Makes connections that libpq must refuse, and reads their settings. The probes rely on the order
 * in pqConnectOptions2() of fe-connect.c, PostgreSQL 10 to 18:
 *
 *   1. read the service file;
 *   2. compare the number of hosts with the number of ports, and fail if they do not match;
 *   3. resolve host, port and user, and read the password from the passfile;
 *   4. check sslmode, and later target_session_attrs.
 *
 * So if a setting of step 4 is invalid, libpq has already resolved all settings (ria_probe()). If
 * the numbers of step 2 do not match, libpq opens only service files, and the last file that it
 * opens is the file that contains the service (ria_probe_service()). */
#include "preload/probe.h"

#include "interpose/signal_guard.h"
#include "preload/overlay.h"

#include "rds_iam.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FIRST_VERSION = 100000,

    /* More options than libpq 18 has. */
    OPTIONS_MAX = 128,
    MORE = 3, /* the number of arguments that the caller may add (probe.h) */
};

static const char wrong_value[] = "rds-iam-probe";

bool ria_probe_is_possible(const struct ria_library *libpq)
{
    int (*version)(void);
    return ria_library_function(libpq, "PQlibVersion", &version) && version() >= FIRST_VERSION;
}

/* -- one refused connection ------------------------------------------------------------------ */

/* Begins a connection that libpq must refuse at once. Returns its handle, or NULL. Sets
 * *is_expected to true if libpq has refused the connection with a message that contains `piece`. */
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

/* Returns true if libpq has refused the connection. If libpq has not refused the connection of a
 * probe, but has begun it, the program must not get the handle of that connection. */
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

/* Returns true if `options`, a result of PQconninfo(), is complete. If memory runs out,
 * PQconninfo() leaves out an option without an error. So this function calls PQconninfo() again,
 * and both results must be equal. */
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
    const struct ria_library *libpq, struct ria_pq_conn *conn, struct ria_pq_settings *out)
{
    struct ria_pq_option *(*conninfo)(struct ria_pq_conn *);
    char *(*pass)(const struct ria_pq_conn *);
    *out = (struct ria_pq_settings){.libpq = libpq};
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
    const char *invalid_setting,
    struct ria_pq_settings *out)
{
    bool is_expected;
    size_t count = arguments->count;
    *out = (struct ria_pq_settings){.libpq = libpq};
    struct ria_signal_guard guard;
    ria_arguments_add(arguments, invalid_setting, wrong_value);
    ria_signal_guard_begin(&guard); /* a handler that leaves by a jump would skip the checks */
    struct ria_pq_conn *conn = probe_begin(libpq, arguments, wrong_value, &is_expected);
    ria_signal_guard_end(&guard);
    ria_arguments_truncate(arguments, count);
    if (!is_expected && is_refused(libpq, conn)) {
        out->refused = conn;
        return RIA_PROBE_REFUSED;
    }
    bool ok = is_expected && ria_probe_connection(libpq, conn, out);
    probe_finish(libpq, conn);
    return ok ? RIA_PROBE_RESOLVED : RIA_PROBE_UNKNOWN;
}

/* -- the service file ------------------------------------------------------------------------ */

/* A list of 97 empty hosts. The probe also gives two ports. libpq compares the number of hosts, the
 * number of addresses (hostaddr) and the number of ports. Whatever hostaddr is, two of these
 * numbers differ, and libpq's message contains the number 97. */
static const char many_hosts[] = ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"
                                 ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,";
static const char host_count_text[] = "97";
_Static_assert(sizeof(many_hosts) == 97, "96 commas and a NUL");

bool ria_probe_service(
    const struct ria_library *libpq,
    struct ria_arguments *arguments,
    struct ria_pq_settings *settings)
{
    bool is_expected;
    struct ria_signal_guard guard;
    size_t count = arguments->count;
    ria_arguments_add(arguments, "host", many_hosts);
    ria_arguments_add(arguments, "port", "1,2");
    ria_arguments_add(arguments, "user", wrong_value); /* else libpq looks up the user's name */
    enum ria_overlay_mode before = ria_overlay_mode();
    ria_signal_guard_begin(&guard); /* a handler that leaves by a jump would leak the descriptor */
    ria_overlay_set(RIA_OVERLAY_WATCH);
    struct ria_pq_conn *conn = probe_begin(libpq, arguments, host_count_text, &is_expected);
    bool is_recorded = ria_overlay_watched(&settings->service_path, &settings->service_fd);
    ria_overlay_set(before);
    ria_signal_guard_end(&guard);
    ria_arguments_truncate(arguments, count);
    probe_finish(libpq, conn);
    return is_expected && is_recorded;
}

/* -- single settings ------------------------------------------------------------------------- */

char *ria_pq_settings_value(const struct ria_pq_settings *settings, const char *keyword)
{
    for (const struct ria_pq_option *at = settings->options; at->keyword != NULL; at++) {
        if (strcmp(at->keyword, keyword) == 0) {
            return at->val == NULL || *at->val == '\0' ? NULL : at->val;
        }
    }
    return NULL;
}

bool ria_pq_settings_prefers_gss(const struct ria_pq_settings *settings)
{
    const char *mode = ria_pq_settings_value(settings, "gssencmode");
    return mode != NULL && strcmp(mode, "prefer") == 0;
}

/* -- the target ------------------------------------------------------------------------------ */

/* Returns the next item of a list. After the last item, returns the end of the list. NULL is an
 * empty list. */
static const char *next_item(const char *item)
{
    const char *end = item == NULL ? NULL : strchrnul(item, ',');
    return end == NULL || *end == '\0' ? end : end + 1;
}

static bool is_empty_item(const char *item)
{
    return item == NULL || *item == '\0' || *item == ',';
}

/* Returns whether one of the hosts is a Unix socket. libpq connects to the address of a host
 * (hostaddr) if the host has one, else to the host's name. A host without an address and without a
 * name means the default socket directory, and a name that begins with '/' or '@' is a socket.
 * Before libpq 14, a name that begins with '@' was an ordinary host name. DNS knows no such name,
 * so this function need not distinguish the versions. If the two lists differ in the number of
 * items, libpq refuses the connection. */
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

struct ria_pq_target ria_pq_settings_target(const struct ria_pq_settings *settings)
{
    struct ria_pq_target target = {
        .host = ria_pq_settings_value(settings, "host"),
        .hostaddr = ria_pq_settings_value(settings, "hostaddr"),
        .port = ria_pq_settings_value(settings, "port"),
        .user = ria_pq_settings_value(settings, "user"),
        .sslmode = ria_pq_settings_value(settings, "sslmode"),
        .gssencmode = ria_pq_settings_value(settings, "gssencmode"),
        .passfile = ria_pq_settings_value(settings, "passfile"),
        .service_path = settings->service_path,
        .service_fd = settings->service_fd,
    };
    target.has_socket = has_socket(target.host, target.hostaddr);
    return target;
}

/* -- the same settings without a password ---------------------------------------------------- */

static bool is_one_of(const char *keyword, const char *const *list)
{
    while (*list != NULL && strcmp(*list, keyword) != 0) {
        list++;
    }
    return *list != NULL;
}

/* Returns true if the option must not be passed on, because it is unset, is the password, or is in
 * the list. */
static bool is_excluded(const struct ria_pq_option *option, const char *const *excluded)
{
    return option->val == NULL || strcmp(option->keyword, "password") == 0 ||
           is_one_of(option->keyword, excluded);
}

/* Adds a connection string as the value of dbname. This string sets the password, and every other
 * setting that is empty, to the empty string. Only a connection string can do this: for an empty
 * argument, libpq 10 to 18 uses the environment or the default. */
static bool add_empty_settings(
    const struct ria_pq_settings *settings, const char *const *excluded, struct ria_arguments *out)
{
    static const char password[] = "password=''";
    size_t size = sizeof(password);
    for (const struct ria_pq_option *at = settings->options; at->keyword != NULL; at++) {
        size += strlen(at->keyword) + strlen(" =''");
    }
    char *end = ria_arguments_text(out, size);
    end = end == NULL ? NULL : stpcpy(end, password);
    for (const struct ria_pq_option *at = settings->options; end != NULL && at->keyword != NULL;
         at++) {
        if (!is_excluded(at, excluded) && *at->val == '\0') {
            end = stpcpy(stpcpy(stpcpy(end, " "), at->keyword), "=''");
        }
    }
    ria_arguments_add(out, "dbname", out->text);
    return end != NULL;
}

bool ria_pq_settings_without_password(
    const struct ria_pq_settings *settings, const char *const *excluded, struct ria_arguments *out)
{
    if (!ria_arguments_init(out, OPTIONS_MAX + MORE + 1, 1) ||
        !add_empty_settings(settings, excluded, out)) {
        return false;
    }
    for (const struct ria_pq_option *at = settings->options; at->keyword != NULL; at++) {
        if (!is_excluded(at, excluded) && *at->val != '\0' && out->count < OPTIONS_MAX) {
            ria_arguments_add(out, at->keyword, at->val);
        }
    }
    return true;
}

void ria_pq_settings_release(struct ria_pq_settings *settings)
{
    void (*release)(struct ria_pq_option *);
    if (settings->options != NULL &&
        ria_library_function(settings->libpq, "PQconninfoFree", &release)) {
        release(settings->options);
    }
    probe_finish(settings->libpq, settings->refused);
    if (settings->stored_token != NULL) {
        explicit_bzero(settings->stored_token, strlen(settings->stored_token));
        free(settings->stored_token);
    }
    if (settings->service_path != NULL && settings->service_fd >= 0) {
        (void)close(settings->service_fd);
    }
    free(settings->service_path);
    *settings = (struct ria_pq_settings){0};
}
