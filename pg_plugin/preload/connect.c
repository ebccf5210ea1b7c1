/* SPDX-License-Identifier: MIT
 *
 * Begins connections in the order that connect.h describes. ria_connect(), at the end of this file,
 * finds the copy of libpq, and saves and restores the overlay (overlay.h). The functions above it
 * make the decisions, one function for each case: the program gives a token, the program gives no
 * password, or the host is a Unix socket. Each of these functions makes one of three calls of
 * libpq: the program's own call, to which settings may be appended; a call with the same settings
 * but no password; or a call that libpq refuses with the preload's message. In the comments, "the
 * module" is rds-iam-pq-token.so (module.h). */
#include "preload/connect.h"

#include "interpose/signal_guard.h"
#include "preload/call.h"
#include "preload/overlay.h"
#include "preload/probe.h"
#include "preload/query.h"
#include "preload/verified.h"

#include "base/buf.h"
#include "base/messages.h"
#include "base/text.h"
#include "interpose/preload_log.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>

/* The setting to which most probes give an invalid value. libpq checks this setting after it has
 * resolved the host, the user, the password and sslmode, and before it connects. */
static const char last_checked[] = "target_session_attrs";

enum {
    REFUSAL_MAX = 512
};

/* -- a connection that is not begun ---------------------------------------------------------- */

/* Begins a connection that libpq refuses at once with a message that contains `why`. `why` must not
 * contain quotes or backslashes. Returns the refused handle, or NULL if memory runs out.
 *
 * If libpq has the function call->params (9.0 to 18), `why` is passed as the name of an option,
 * because libpq checks the names of options before anything else (conninfo_array_parse()). An older
 * libpq does not have this function, and in a connection string, the name of an option cannot
 * contain spaces. So for an older libpq, `why` is an invalid value of sslmode. */
static struct ria_pq_conn *make_refused_call(
    const struct ria_library *libpq, const struct ria_call *call, const char *why)
{
    const char *const keywords[] = {why, NULL};
    const char *const values[] = {"refused", NULL};
    char conninfo[REFUSAL_MAX + sizeof("sslmode=''")];
    void *params;
    if (ria_library_function(libpq, call->params, &params)) {
        return ria_call_params(libpq, call->params, keywords, values, 0);
    }
    (void)ria_text_format(conninfo, sizeof(conninfo), "sslmode='%s'", why);
    struct ria_call refused = *call;
    refused.conninfo = conninfo;
    memset(refused.login, 0, sizeof(refused.login));
    refused.login[RIA_LOGIN_DBNAME] = conninfo;
    return ria_call_make(libpq, &refused);
}

#define REMEDY_NO_PRELOAD "start the program without rds-iam exec (librds-iam-pq.so)"

/* Refuses the call with `why` as the message. Also logs `why`, because some programs do not print
 * libpq's messages. */
static struct ria_pq_conn *connect_refuse(
    const struct ria_library *libpq, const struct ria_call *call, const char *why)
{
    char text[REFUSAL_MAX];
    (void)ria_text_format(text, sizeof(text), "rds-iam: %s", why);
    ria_preload_log(RIA_LOG_WARNING, why);
    ria_overlay_set(RIA_OVERLAY_HIDE);
    return make_refused_call(libpq, call, text);
}

/* Refuses a call, because the preload cannot determine what the connection would send. */
static struct ria_pq_conn *refuse_unresolved(
    const struct ria_library *libpq, const struct ria_call *call)
{
    return connect_refuse(
        libpq,
        call,
        ria_probe_is_possible(libpq)
            ? "not connected: libpq does not report whether it would send a token, maybe for "
              "lack of memory; try again, or " REMEDY_NO_PRELOAD
            : "not connected: this libpq is older than 10 and does not report whether it would "
              "send a token; use libpq 10 or later, or " REMEDY_NO_PRELOAD);
}

/* Refuses a call that may send a token. Called if the module cannot be loaded or run, because then
 * nothing checks where the token goes. */
static struct ria_pq_conn *refuse_without_module(
    const struct ria_library *libpq, const struct ria_call *call)
{
    return connect_refuse(
        libpq,
        call,
        "not connected: the connection may send a token to a server that is not verified, "
        "and rds-iam-pq-token.so cannot check it; install the package " RIA_PACKAGE_POSTGRESQL
        " again, use sslmode=verify-full, "
        "or " REMEDY_NO_PRELOAD);
}

/* -- tokens ---------------------------------------------------------------------------------- */

/* Makes the program's call for a connection that has tokens. If gssencmode is prefer, appends
 * gssencmode=disable to the arguments. libpq looks for a Kerberos ticket only when it connects, and
 * it may connect after the call has returned. The appended setting applies even then, because the
 * connection stores it. */
static struct ria_pq_conn *make_call_without_gss(
    const struct ria_library *libpq,
    const struct ria_call *call,
    struct ria_arguments *arguments,
    const struct ria_pq_settings *settings)
{
    if (!ria_pq_settings_prefers_gss(settings)) {
        return ria_call_make(libpq, call);
    }
    ria_arguments_add(arguments, "gssencmode", "disable");
    return ria_call_params(
        libpq, call->params, arguments->keywords, arguments->values, arguments->expand_dbname);
}

/* Returns the target of the connection that make_call_without_gss() begins. */
static struct ria_pq_target target_without_gss(const struct ria_pq_settings *settings)
{
    struct ria_pq_target target = ria_pq_settings_target(settings);
    if (ria_pq_settings_prefers_gss(settings)) {
        target.gssencmode = "disable";
    }
    return target;
}

static bool has_list(const struct ria_pq_target *target)
{
    return (target->host != NULL && strchr(target->host, ',') != NULL) ||
           (target->hostaddr != NULL && strchr(target->hostaddr, ',') != NULL);
}

/* What overlay_passfile() did. */
struct outcome {
    bool has_response; /* the module has run; false: the module could not be loaded or started */
    bool is_overlaid;  /* libpq reads passfile.fd instead of the connection's own passfile */
    struct ria_pq_passfile passfile;
};

/* Calls the module to make a passfile for the target. Until the call of libpq ends, redirects the
 * path of the target's own passfile to the new passfile. If the module makes no passfile, but libpq
 * must not read the target's own passfile, hides the target's own passfile. `given` is the token
 * that the program gives, or NULL. */
static struct outcome overlay_passfile(const struct ria_pq_target *target, const char *given)
{
    struct outcome outcome;
    struct ria_signal_guard guard;
    ria_signal_guard_begin(
        &guard); /* if a signal handler left this function by a jump, the descriptor would leak */
    outcome.has_response = ria_query_passfile(target, given, &outcome.passfile);
    outcome.is_overlaid = outcome.passfile.fd >= 0;
    if (outcome.is_overlaid || outcome.passfile.is_hidden) {
        ria_overlay_serve(target->passfile, outcome.passfile.fd);
    }
    ria_signal_guard_end(&guard);
    return outcome;
}

/* Probes again, with the current overlay. Returns true if libpq would send no token to the first
 * host. A second probe is needed, because during the first probe libpq may have had too little
 * memory and may have resolved the settings differently. */
static bool sends_no_token(const struct ria_library *libpq, struct ria_arguments *arguments)
{
    RIA_AUTO(pq_settings) now = {0};
    return ria_probe(libpq, arguments, last_checked, &now) == RIA_PROBE_RESOLVED &&
           now.stored_token == NULL;
}

/* -- connections with a given token ---------------------------------------------------------- */

/* Makes the arguments of the same connection with an empty password and without Kerberos
 * encryption. `first` are the settings of a probe that made last_checked invalid. `second` are the
 * settings of a probe that made sslmode invalid, and contain the real value of last_checked.
 * Returns false if memory runs out. */
static bool arguments_without_password(
    const struct ria_pq_settings *first,
    const struct ria_pq_settings *second,
    struct ria_arguments *out)
{
    static const char *const invalid_setting[] = {last_checked, NULL};
    static const char *const both[] = {last_checked, "gssencmode", NULL};
    bool is_gss = ria_pq_settings_prefers_gss(first);
    if (!ria_pq_settings_without_password(first, is_gss ? both : invalid_setting, out)) {
        return false;
    }
    ria_arguments_add(out, last_checked, ria_pq_settings_value(second, last_checked));
    if (is_gss) {
        ria_arguments_add(out, "gssencmode", "disable");
    }
    return true;
}

/* Returns true if the given token must be replaced by what libpq finds in the passfile, with the
 * current overlay. `bare` are the arguments without the password. A probe of `bare` shows only what
 * the passfile has for the first host. If that is a token, ria_token_is_replaced() decides.
 * Otherwise returns true if all of these conditions hold. First, the module has made the passfile.
 * Second, the passfile has a password for the first host, or the connection has a list of hosts:
 * the passfile may then have tokens for the other hosts. Third, the given token has less than a
 * minute left, or this process has had tokens with the access key id of the given token. */
static bool is_replaced(
    const struct ria_library *libpq,
    struct ria_arguments *bare,
    const char *given,
    struct outcome outcome)
{
    RIA_AUTO(pq_settings) settings = {0};
    if (ria_probe(libpq, bare, last_checked, &settings) != RIA_PROBE_RESOLVED) {
        return false;
    }
    if (settings.stored_token == NULL) {
        const char *hosts = ria_pq_settings_value(&settings, "host");
        bool is_list = hosts != NULL && strchr(hosts, ',') != NULL;
        return outcome.is_overlaid && (is_list || settings.has_stored_password) &&
               (outcome.passfile.is_in_history || ria_token_is_over(given, ria_pq_now()));
    }
    return ria_token_is_replaced(given, settings.stored_token, outcome.passfile.is_in_history);
}

/* Begins a connection for which the program gives a token as the password. Sends this token if that
 * is allowed and the token is not replaced. Otherwise begins the connection with the same
 * arguments, but without the password (`bare`). `second` and `again` are the settings of two more
 * probes. */
static struct ria_pq_conn *connect_with_given(
    const struct ria_library *libpq,
    const struct ria_call *call,
    struct ria_arguments *arguments,
    struct ria_pq_settings *settings)
{
    RIA_AUTO(pq_settings) second = {0};
    RIA_AUTO(arguments) bare = {0};
    RIA_AUTO(pq_settings) again = {0};
    if (!ria_probe_service(libpq, arguments, settings)) {
        return refuse_unresolved(libpq, call);
    }
    struct ria_pq_target target = target_without_gss(settings);
    bool is_allowed = ria_query_may_send(&target);
    bool is_resolved = ria_probe(libpq, arguments, "sslmode", &second) == RIA_PROBE_RESOLVED &&
                       arguments_without_password(settings, &second, &bare) &&
                       ria_probe(libpq, &bare, last_checked, &again) == RIA_PROBE_RESOLVED;
    ria_overlay_set(RIA_OVERLAY_PASS);
    if (!is_resolved) {
        return is_allowed ? make_call_without_gss(libpq, call, arguments, settings)
                          : refuse_unresolved(libpq, call);
    }
    struct ria_pq_target bare_target = ria_pq_settings_target(&again);
    bare_target.service_path = settings->service_path;
    bare_target.service_fd = settings->service_fd;
    char *given = ria_pq_settings_value(settings, "password");
    bare_target.has_token = is_allowed && !ria_token_is_over(given, ria_pq_now());
    struct outcome outcome = overlay_passfile(&bare_target, given);
    if (is_allowed && !is_replaced(libpq, &bare, given, outcome)) {
        return make_call_without_gss(libpq, call, arguments, settings);
    }
    if (!outcome.has_response && !is_allowed) {
        return refuse_without_module(libpq, call);
    }
    if (!is_allowed && !sends_no_token(libpq, &bare)) {
        return refuse_unresolved(libpq, call);
    }
    return ria_call_params(libpq, call->params, bare.keywords, bare.values, bare.expand_dbname);
}

/* -- connections without a given token ------------------------------------------------------- */

/* Warns that a password is sent to a host for which rds-iam makes tokens. If the database user must
 * log in with IAM, the server refuses the password with the message "PAM authentication failed",
 * which does not name the reason. */
static void log_password(const struct ria_pq_target *target, bool is_given)
{
    char text[RIA_LOG_LINE_MAX];
    if (ria_preload_logs(RIA_LOG_WARNING) && ria_query_ca(target) != RIA_PQ_CA_NONE) {
        (void)ria_text_format(
            text,
            sizeof(text),
            "%s%s is sent to %s, so no token is sent; remove it if %s logs in with IAM",
            is_given ? "the program's own password (PGPASSWORD, or a setting)"
                     : "the password in the passfile ",
            is_given                   ? ""
            : target->passfile == NULL ? "~/.pgpass"
                                       : target->passfile,
            target->host,
            target->user);
        ria_query_log(RIA_LOG_WARNING, text);
    }
}

/* Returns true if a connection that is begun without the module's check can send no token: it has
 * one host, and the probe found no token for that host in the passfile. Probes do not read an
 * agent's passfile, which may contain a token. So this function also hides the passfile in which
 * the probe found neither a token nor a password. A passfile with a password is not hidden, so the
 * connection loses no password. */
static bool hide_passfile(
    const struct ria_pq_settings *settings, const struct ria_pq_target *target)
{
    bool is_seen = !has_list(target) && settings->stored_token == NULL;
    if (is_seen && !settings->has_stored_password && target->passfile != NULL) {
        ria_overlay_serve(target->passfile, -1);
    }
    return is_seen;
}

/* Begins a connection for which the program gives no password. libpq then reads one of three
 * passfiles: one in memory with tokens (fresh tokens, or those of the connection's own passfile);
 * one in memory without the tokens that must not be sent; or the connection's own passfile, if it
 * needs no change. If a needed passfile cannot be made, the connection's own passfile may be
 * hidden, and libpq then reads none. */
static struct ria_pq_conn *connect_with_passfile(
    const struct ria_library *libpq,
    const struct ria_call *call,
    struct ria_arguments *arguments,
    struct ria_pq_settings *settings)
{
    ria_overlay_set(RIA_OVERLAY_HIDE);
    if (!ria_probe_service(libpq, arguments, settings)) {
        return refuse_unresolved(libpq, call);
    }
    ria_overlay_set(RIA_OVERLAY_PASS);
    struct ria_pq_target target = target_without_gss(settings);
    target.has_token =
        settings->stored_token != NULL && !ria_token_is_over(settings->stored_token, ria_pq_now());
    struct outcome outcome = overlay_passfile(&target, NULL);
    if (!outcome.has_response && !ria_query_is_verified(&target) &&
        !hide_passfile(settings, &target)) {
        return refuse_without_module(libpq, call);
    }
    if (outcome.passfile.is_withheld && !sends_no_token(libpq, arguments)) {
        return refuse_unresolved(libpq, call);
    }
    if (!target.has_socket && (outcome.passfile.has_tokens || settings->stored_token != NULL)) {
        return make_call_without_gss(libpq, call, arguments, settings);
    }
    return ria_call_make(libpq, call);
}

/* Begins a connection whose only host is a Unix socket. Most programs that use no tokens connect in
 * this way, so this function loads the module only if the passfile contains a token, which must be
 * removed. */
static struct ria_pq_conn *connect_by_socket(
    const struct ria_library *libpq,
    const struct ria_call *call,
    struct ria_arguments *arguments,
    struct ria_pq_settings *settings)
{
    struct ria_pq_target target = ria_pq_settings_target(settings);
    if (settings->stored_token != NULL) {
        return connect_with_passfile(libpq, call, arguments, settings);
    }
    (void)hide_passfile(settings, &target);
    return ria_call_make(libpq, call);
}

/* Returns true if the connection has one host and the user's own passfile has a password for that
 * host. Returns false for a list of hosts, because the probe shows the password of the first host
 * only. */
static bool has_own_password(
    const struct ria_pq_settings *settings, const struct ria_pq_target *target)
{
    return settings->has_stored_password && !has_list(target);
}

/* Begins a connection whose settings are known: chooses one of the functions above. */
static struct ria_pq_conn *connect_resolved(
    const struct ria_library *libpq,
    const struct ria_call *call,
    struct ria_arguments *arguments,
    struct ria_pq_settings *settings)
{
    char *password = ria_pq_settings_value(settings, "password");
    if (ria_is_token(password)) {
        return connect_with_given(libpq, call, arguments, settings);
    }
    ria_overlay_set(RIA_OVERLAY_PASS);
    struct ria_pq_target target = target_without_gss(settings);
    bool is_local = target.has_socket && !has_list(&target);
    if (password != NULL || has_own_password(settings, &target)) {
        if (!is_local) {
            log_password(&target, password != NULL);
        }
        return ria_call_make(libpq, call);
    }
    return is_local ? connect_by_socket(libpq, call, arguments, settings)
                    : connect_with_passfile(libpq, call, arguments, settings);
}

/* -- every connection ------------------------------------------------------------------------ */

/* Begins the connection as if the program had required verification: appends the settings of
 * verified.h to the program's arguments, and resolves the settings again. Refuses the connection if
 * no root certificates were found. */
static struct ria_pq_conn *connect_verified(
    const struct ria_library *libpq,
    const struct ria_call *call,
    struct ria_arguments *arguments,
    const struct ria_pq_settings *first,
    enum ria_pq_ca ca)
{
    RIA_AUTO(pq_settings) settings = {0};
    if (!ria_verified_add(first, call->caller, ca, arguments)) {
        return connect_refuse(libpq, call, RIA_VERIFIED_REFUSAL);
    }
    struct ria_call verified = *call;
    verified.kind = RIA_CALL_PARAMS;
    verified.name = call->params;
    verified.keywords = arguments->keywords;
    verified.values = arguments->values;
    verified.expand_dbname = arguments->expand_dbname;
    ria_overlay_set(RIA_OVERLAY_HIDE);
    return ria_probe(libpq, arguments, last_checked, &settings) == RIA_PROBE_RESOLVED
               ? connect_resolved(libpq, &verified, arguments, &settings)
               : refuse_unresolved(libpq, call);
}

/* Resolves the settings of the call and begins the connection. */
static struct ria_pq_conn *connect_by_settings(
    const struct ria_library *libpq, const struct ria_call *call)
{
    RIA_AUTO(arguments) arguments = {0};
    RIA_AUTO(pq_settings) settings = {0};
    ria_overlay_set(RIA_OVERLAY_HIDE);
    if (ria_arguments_are_invalid(call)) {
        return ria_call_make(libpq, call);
    }
    if (!ria_arguments_of_call(call, &arguments)) {
        return refuse_unresolved(libpq, call);
    }
    enum ria_probe_response response = ria_probe(libpq, &arguments, last_checked, &settings);
    struct ria_pq_conn *refused = settings.refused;
    settings.refused = NULL;
    enum ria_pq_ca ca = RIA_PQ_CA_NONE;
    switch (response) {
    case RIA_PROBE_RESOLVED:
        ca = ria_verified_ca(&settings, call->caller);
        return ca != RIA_PQ_CA_NONE ? connect_verified(libpq, call, &arguments, &settings, ca)
                                    : connect_resolved(libpq, call, &arguments, &settings);
    case RIA_PROBE_REFUSED:
        return refused;
    case RIA_PROBE_UNKNOWN:
    default:
        return refuse_unresolved(libpq, call);
    }
}

static void restore_overlay(void *saved_call)
{
    ria_overlay_restore(saved_call);
}

/* Begins the connection, and then restores the overlay, even if the thread is cancelled while libpq
 * waits. */
static struct ria_pq_conn *connect_with_overlay(/* NOLINT(readability-function-size): two macros */
                                                const struct ria_library *libpq,
                                                const struct ria_call *call)
{
    struct ria_pq_conn *conn;
    struct ria_overlay_call saved_call;
    ria_overlay_save(&saved_call);
    pthread_cleanup_push(restore_overlay, &saved_call);
    conn = connect_by_settings(libpq, call);
    pthread_cleanup_pop(1);
    return conn;
}

static void log_libpq(const struct ria_library *libpq, const char *function)
{
    int (*version)(void);
    char recognized[32] = "an unknown libpq";
    if (ria_preload_logs(RIA_LOG_DEBUG)) {
        if (ria_library_function(libpq, "PQlibVersion", &version)) {
            (void)ria_text_format(recognized, sizeof(recognized), "libpq %d", version());
        }
        ria_preload_log_library(libpq, function, recognized);
    }
}

struct ria_pq_conn *ria_connect(const struct ria_call *call)
{
    int saved = errno;
    RIA_AUTO(library) libpq = {0};
    if (!ria_library_find(call->name, call->caller, &libpq)) {
        return NULL;
    }
    errno = saved;
    /* The call may be libpq's own, because libpq calls its functions by their public names. */
    if (ria_overlay_is_inner(ria_call_pointer(call)) || getauxval(AT_SECURE) != 0) {
        return ria_call_make(&libpq, call);
    }
    log_libpq(&libpq, call->name);
    return connect_with_overlay(&libpq, call);
}
