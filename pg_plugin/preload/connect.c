/* SPDX-License-Identifier: MIT
 *
 * Makes the program's call, or one with the same settings and without its token, or one that libpq
 * refuses with our message: see connect.h for the order of decisions. */
#include "preload/connect.h"

#include "preload/overlay.h"
#include "preload/probe.h"
#include "preload/query.h"
#include "interpose/signal_guard.h"

#include "base/buf.h"
#include "interpose/preload_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

/* The setting that a probe makes invalid: the last one that libpq looks at. */
static const char last_setting[] = "target_session_attrs";

enum {
    REFUSAL_MAX = 512
};

/* -- the program's call ---------------------------------------------------------------------- */

static struct ria_pq_conn *make_string_call(
    const struct ria_library *libpq, const char *name, const char *conninfo)
{
    struct ria_pq_conn *(*real)(const char *);
    if (!ria_library_function(libpq, name, &real)) {
        return NULL;
    }
    ria_overlay_expect(strcmp(name, "PQconnectdb") == 0 ? conninfo : NULL);
    return real(conninfo);
}

static struct ria_pq_conn *call_params(
    const struct ria_library *libpq,
    const char *name,
    const char *const *keywords,
    const char *const *values,
    int expand_dbname)
{
    struct ria_pq_conn *(*real)(const char *const *, const char *const *, int);
    if (!ria_library_function(libpq, name, &real)) {
        return NULL;
    }
    ria_overlay_expect(strcmp(name, "PQconnectdbParams") == 0 ? keywords : NULL);
    return real(keywords, values, expand_dbname);
}

static struct ria_pq_conn *make_login_call(
    const struct ria_library *libpq, const char *name, const char *const *login)
{
    struct ria_pq_conn *(*real)(
        const char *,
        const char *,
        const char *,
        const char *,
        const char *,
        const char *,
        const char *);
    if (!ria_library_function(libpq, name, &real)) {
        return NULL;
    }
    return real(login[0], login[1], login[2], login[3], login[4], login[5], login[6]);
}

static struct ria_pq_conn *make_call(const struct ria_library *libpq, const struct ria_call *call)
{
    switch (call->kind) {
    case RIA_CALL_STRING:
        return make_string_call(libpq, call->name, call->conninfo);
    case RIA_CALL_LOGIN:
        return make_login_call(libpq, call->name, call->login);
    case RIA_CALL_PARAMS:
    default:
        return call_params(libpq, call->name, call->keywords, call->values, call->expand_dbname);
    }
}

/* The pointer by which libpq's own call for it is told (overlay.h). */
static const void *call_pointer(const struct ria_call *call)
{
    return call->kind == RIA_CALL_PARAMS ? (const void *)call->keywords : call->conninfo;
}

/* -- a connection that is not begun ---------------------------------------------------------- */

/* Begins a connection that libpq refuses at once, with a message that holds `why`, which has no
 * quotes and no backslashes. NULL as where libpq has no memory.
 *
 * An option's name is looked up before anything else (conninfo_array_parse(), 9.0 to 18). Before
 * that there were no arrays, and only a value can hold blanks. */
static struct ria_pq_conn *make_refused_call(
    const struct ria_library *libpq, const struct ria_call *call, const char *why)
{
    const char *const keywords[] = {why, NULL};
    const char *const values[] = {"refused", NULL};
    char conninfo[REFUSAL_MAX + sizeof("sslmode=''")];
    void *params;
    if (ria_library_function(libpq, call->params, &params)) {
        return call_params(libpq, call->params, keywords, values, 0);
    }
    (void)snprintf(conninfo, sizeof(conninfo), "sslmode='%s'", why);
    struct ria_call refused = *call;
    refused.conninfo = conninfo;
    memset(refused.login, 0, sizeof(refused.login));
    refused.login[RIA_LOGIN_DBNAME] = conninfo;
    return make_call(libpq, &refused);
}

#define WITHOUT_US "start the program without rds-iam exec (librds-iam-pq.so)"

/* Logs it, too: a program may not show libpq's messages. */
static struct ria_pq_conn *connect_refuse(
    const struct ria_library *libpq, const struct ria_call *call, const char *why)
{
    char text[REFUSAL_MAX];
    (void)snprintf(text, sizeof(text), "rds-iam: %s", why);
    ria_preload_log_warning(why);
    ria_overlay_set(RIA_OVERLAY_HIDE);
    return make_refused_call(libpq, call, text);
}

/* Nothing is known of it. */
static struct ria_pq_conn *refuse_unsettled(
    const struct ria_library *libpq, const struct ria_call *call)
{
    return connect_refuse(
        libpq,
        call,
        ria_probe_is_possible(libpq)
            ? "not connected: libpq does not tell whether it would send a token, maybe for "
              "lack of memory; try again, or " WITHOUT_US
            : "not connected: this libpq is older than 10 and does not tell whether it would "
              "send a token; use libpq 10 or later, or " WITHOUT_US);
}

static struct ria_pq_conn *refuse_unanswered(
    const struct ria_library *libpq, const struct ria_call *call)
{
    return connect_refuse(
        libpq,
        call,
        "not connected: the connection may send a token to a server that is not verified, "
        "and rds-iam-pq-token.so cannot be asked; reinstall rds-iam, use sslmode=verify-full, "
        "or " WITHOUT_US);
}

/* -- tokens ---------------------------------------------------------------------------------- */

/* The program's call for a connection that has tokens. libpq asks for tickets only when it is about
 * to connect, which may be after the call: so it is told by an argument not to. */
static struct ria_pq_conn *make_call_with_tls(
    const struct ria_library *libpq,
    const struct ria_call *call,
    struct ria_arguments *arguments,
    const struct ria_settled *settled)
{
    if (!ria_settled_prefers_gss(settled)) {
        return make_call(libpq, call);
    }
    ria_arguments_add(arguments, "gssencmode", "disable");
    return call_params(
        libpq, call->params, arguments->keywords, arguments->values, arguments->expand_dbname);
}

/* Where it goes if it is made by make_call_with_tls(). */
static struct ria_pq_target target_with_tls(const struct ria_settled *settled)
{
    struct ria_pq_target target = ria_settled_target(settled);
    if (ria_settled_prefers_gss(settled)) {
        target.gssencmode = "disable";
    }
    return target;
}

static bool has_list(const struct ria_pq_target *target)
{
    return (target->host != NULL && strchr(target->host, ',') != NULL) ||
           (target->hostaddr != NULL && strchr(target->hostaddr, ',') != NULL);
}

struct outcome {
    bool has_response; /* the other object was asked and has answered */
    bool is_laid_over; /* a passfile with tokens over the connection's own */
    struct ria_pq_passfile passfile;
};

/* given: the token that the program has, or NULL. */
static struct outcome lay_over(const struct ria_pq_target *target, const char *given)
{
    struct outcome outcome;
    struct ria_signal_guard guard;
    ria_signal_guard_begin(&guard); /* a handler that jumps away would leave the descriptor open */
    outcome.has_response = ria_query_passfile(target, given, &outcome.passfile);
    outcome.is_laid_over = outcome.passfile.fd >= 0;
    if (outcome.is_laid_over || outcome.passfile.is_hidden) {
        ria_overlay_serve(target->passfile, outcome.passfile.fd);
    }
    ria_signal_guard_end(&guard);
    return outcome;
}

/* Whether no token is left that libpq would send, to the first host at least: asked anew, with what
 * was laid over the passfile. What libpq has settled without memory may not be what it settles
 * next. */
static bool is_clean(const struct ria_library *libpq, struct ria_arguments *arguments)
{
    RIA_AUTO(settled) now = {0};
    return ria_probe(libpq, arguments, last_setting, &now) == RIA_PROBE_SETTLED &&
           now.stored_token == NULL;
}

/* -- a token that the program has ------------------------------------------------------------ */

/* The same connection; `second` has the one setting that `first` was spoiled with. Not by Kerberos.
 */
static bool settle_again(
    const struct ria_settled *first, const struct ria_settled *second, struct ria_arguments *out)
{
    static const char *const spoiled[] = {last_setting, NULL};
    static const char *const both[] = {last_setting, "gssencmode", NULL};
    bool is_gss = ria_settled_prefers_gss(first);
    if (!ria_settled_without_password(first, is_gss ? both : spoiled, out)) {
        return false;
    }
    ria_arguments_add(out, last_setting, ria_settled_value(second, last_setting));
    if (is_gss) {
        ria_arguments_add(out, "gssencmode", "disable");
    }
    return true;
}

/* Whether the connection is begun without the given token: the passfile, with ours laid over it or
 * as it is (an agent's), has one that replaces it. Of a list of hosts only the first one's token is
 * known; where that has none, ours are for others. */
static bool is_replaced(
    const struct ria_library *libpq,
    struct ria_arguments *bare,
    const char *given,
    struct outcome outcome)
{
    RIA_AUTO(settled) settled = {0};
    if (ria_probe(libpq, bare, last_setting, &settled) != RIA_PROBE_SETTLED) {
        return false;
    }
    if (settled.stored_token == NULL) {
        const char *hosts = ria_settled_value(&settled, "host");
        bool is_list = hosts != NULL && strchr(hosts, ',') != NULL;
        return outcome.is_laid_over && (is_list || settled.has_stored_password) &&
               (outcome.passfile.is_in_history || ria_token_is_over(given, time(NULL)));
    }
    return ria_token_is_replaced(given, settled.stored_token, outcome.passfile.is_in_history);
}

/* It may be sent, or is left out. */
static struct ria_pq_conn *connect_with_given(
    const struct ria_library *libpq,
    const struct ria_call *call,
    struct ria_arguments *arguments,
    struct ria_settled *settled)
{
    RIA_AUTO(settled) second = {0};
    RIA_AUTO(arguments) bare = {0};
    RIA_AUTO(settled) again = {0};
    if (!ria_probe_service(libpq, arguments, settled)) {
        return refuse_unsettled(libpq, call);
    }
    struct ria_pq_target target = target_with_tls(settled);
    bool is_allowed = ria_query_may_send(&target);
    bool is_settled = ria_probe(libpq, arguments, "sslmode", &second) == RIA_PROBE_SETTLED &&
                      settle_again(settled, &second, &bare) &&
                      ria_probe(libpq, &bare, last_setting, &again) == RIA_PROBE_SETTLED;
    ria_overlay_set(RIA_OVERLAY_PASS);
    if (!is_settled) {
        return is_allowed ? make_call_with_tls(libpq, call, arguments, settled)
                          : refuse_unsettled(libpq, call);
    }
    struct ria_pq_target bare_target = ria_settled_target(&again);
    bare_target.service_path = settled->service_path;
    bare_target.service_fd = settled->service_fd;
    char *given = ria_settled_value(settled, "password");
    bare_target.has_token = is_allowed && !ria_token_is_over(given, time(NULL));
    struct outcome outcome = lay_over(&bare_target, given);
    if (is_allowed && !is_replaced(libpq, &bare, given, outcome)) {
        return make_call_with_tls(libpq, call, arguments, settled);
    }
    if (!outcome.has_response && !is_allowed) {
        return refuse_unanswered(libpq, call);
    }
    if (!is_allowed && !is_clean(libpq, &bare)) {
        return refuse_unsettled(libpq, call);
    }
    return call_params(libpq, call->params, bare.keywords, bare.values, bare.expand_dbname);
}

/* -- no token is given ----------------------------------------------------------------------- */

/* A stray password ends in the server's "PAM authentication failed" and no other word. */
static void log_password(const struct ria_pq_target *target, bool is_given)
{
    char text[RIA_LOG_LINE_MAX];
    if (ria_preload_log_is_heard() && ria_query_makes_tokens_for(target)) {
        (void)snprintf(
            text,
            sizeof(text),
            "%s is sent to %s and no token: take it away if %s logs in with IAM",
            is_given ? "the program's own password (PGPASSWORD, or a setting)"
                     : "the password that a line of the passfile has",
            target->host,
            target->user);
        ria_query_log(RIA_LOG_WARNING, text);
    }
}

/* What the passfile holds for one host was seen when libpq was asked: if that was nothing, nothing
 * is lost without it; but an agent's was not looked at. */
static bool hide_passfile(const struct ria_settled *settled, const struct ria_pq_target *target)
{
    bool is_seen = !has_list(target) && settled->stored_token == NULL;
    if (is_seen && !settled->has_stored_password && target->passfile != NULL) {
        ria_overlay_serve(target->passfile, -1);
    }
    return is_seen;
}

/* Tokens are made, and those in the passfile are held to their rule. */
static struct ria_pq_conn *connect_with_passfile(
    const struct ria_library *libpq,
    const struct ria_call *call,
    struct ria_arguments *arguments,
    struct ria_settled *settled)
{
    ria_overlay_set(RIA_OVERLAY_HIDE);
    if (!ria_probe_service(libpq, arguments, settled)) {
        return refuse_unsettled(libpq, call);
    }
    ria_overlay_set(RIA_OVERLAY_PASS);
    struct ria_pq_target target = target_with_tls(settled);
    target.has_token =
        settled->stored_token != NULL && !ria_token_is_over(settled->stored_token, time(NULL));
    struct outcome outcome = lay_over(&target, NULL);
    if (!outcome.has_response && !ria_query_is_surely_fit(&target) &&
        !hide_passfile(settled, &target)) {
        return refuse_unanswered(libpq, call);
    }
    if (outcome.passfile.is_withheld && !is_clean(libpq, arguments)) {
        return refuse_unsettled(libpq, call);
    }
    if (!target.has_socket && (outcome.passfile.has_tokens || settled->stored_token != NULL)) {
        return make_call_with_tls(libpq, call, arguments, settled);
    }
    return make_call(libpq, call);
}

/* The one host is a Unix socket, as that of most programs that have nothing to do with tokens. They
 * do without the other object, unless there is a token that must be taken out. */
static struct ria_pq_conn *connect_by_socket(
    const struct ria_library *libpq,
    const struct ria_call *call,
    struct ria_arguments *arguments,
    struct ria_settled *settled)
{
    struct ria_pq_target target = ria_settled_target(settled);
    if (settled->stored_token != NULL) {
        return connect_with_passfile(libpq, call, arguments, settled);
    }
    (void)hide_passfile(settled, &target);
    return make_call(libpq, call);
}

/* The user's passfile has what the connection needs; of a list, only the first host's is known. */
static bool is_provided_for(const struct ria_settled *settled, const struct ria_pq_target *target)
{
    return settled->has_stored_password && !has_list(target);
}

static struct ria_pq_conn *connect_settled(
    const struct ria_library *libpq,
    const struct ria_call *call,
    struct ria_arguments *arguments,
    struct ria_settled *settled)
{
    char *password = ria_settled_value(settled, "password");
    if (ria_is_token(password)) {
        return connect_with_given(libpq, call, arguments, settled);
    }
    ria_overlay_set(RIA_OVERLAY_PASS);
    struct ria_pq_target target = target_with_tls(settled);
    bool is_local = target.has_socket && !has_list(&target);
    if (password != NULL || is_provided_for(settled, &target)) {
        if (!is_local) {
            log_password(&target, password != NULL);
        }
        return make_call(libpq, call);
    }
    return is_local ? connect_by_socket(libpq, call, arguments, settled)
                    : connect_with_passfile(libpq, call, arguments, settled);
}

/* -- the whole ------------------------------------------------------------------------------- */

static struct ria_pq_conn *connect_with_token(
    const struct ria_library *libpq, const struct ria_call *call)
{
    RIA_AUTO(arguments) arguments = {0};
    RIA_AUTO(settled) settled = {0};
    ria_overlay_set(RIA_OVERLAY_HIDE);
    if (ria_arguments_are_none(call)) {
        return make_call(libpq, call);
    }
    if (!ria_arguments_of_call(call, &arguments)) {
        return refuse_unsettled(libpq, call);
    }
    enum ria_probe_response response = ria_probe(libpq, &arguments, last_setting, &settled);
    struct ria_pq_conn *refused = settled.refused;
    settled.refused = NULL;
    switch (response) {
    case RIA_PROBE_SETTLED:
        return connect_settled(libpq, call, &arguments, &settled);
    case RIA_PROBE_REFUSED:
        return refused;
    case RIA_PROBE_UNKNOWN:
    default:
        return refuse_unsettled(libpq, call);
    }
}

static void end_overlay(void *aside)
{
    ria_overlay_take_up(aside);
}

/* libpq waits where a thread can be cancelled. */
static struct ria_pq_conn *connect_and_end(/* NOLINT(readability-function-size): two macros */
                                           const struct ria_library *libpq,
                                           const struct ria_call *call)
{
    struct ria_pq_conn *conn;
    struct ria_overlay_call aside;
    ria_overlay_set_aside(&aside);
    pthread_cleanup_push(end_overlay, &aside);
    conn = connect_with_token(libpq, call);
    pthread_cleanup_pop(1);
    return conn;
}

struct ria_pq_conn *ria_connect(const struct ria_call *call)
{
    int saved = errno;
    RIA_AUTO(library) libpq = {0};
    if (!ria_library_find(call->name, call->caller, &libpq)) {
        return NULL;
    }
    errno = saved;
    /* libpq calls its own functions by their public names, and comes by here again. */
    if (ria_overlay_is_inner(call_pointer(call)) || getauxval(AT_SECURE) != 0) {
        return make_call(&libpq, call);
    }
    return connect_and_end(&libpq, call);
}
