/* SPDX-License-Identifier: MIT
 *
 * See connect.h for the order of decisions. */
#include "preload/connect.h"

#include "preload/ask.h"
#include "preload/call.h"
#include "preload/hold.h"
#include "preload/lookup.h"
#include "preload/overlay.h"
#include "preload/probe.h"
#include "preload/replace.h"
#include "preload/say.h"

#include "base/buf.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

enum {
    /* Every option of libpq 18, and some of later ones. */
    OPTIONS_MAX = 128,
};

/* -- tokens ---------------------------------------------------------------------------------- */

/* Whether libpq tries Kerberos' encryption before TLS, as it does by default from 12 on, whatever
 * sslmode says: where there is a ticket, and the server, whoever it is, agrees. */
static bool prefers_gss(const struct ria_settled *settled)
{
    const char *mode = ria_settled_value(settled, "gssencmode");
    return mode != NULL && strcmp(mode, "prefer") == 0;
}

/* The program's call for a connection that has tokens. libpq asks for tickets only when it is about
 * to connect, which may be after the call: so it is told by an argument not to. */
static struct ria_pq_conn *make_call_with_tls(
    const struct ria_libpq *libpq,
    const struct ria_call *call,
    struct ria_arguments *arguments,
    const struct ria_settled *settled)
{
    if (!prefers_gss(settled)) {
        return ria_call_make(libpq, call);
    }
    ria_arguments_add(arguments, "gssencmode", "disable");
    return ria_call_params(
        libpq, call->params, arguments->keywords, arguments->values, arguments->expand_dbname);
}

static struct ria_pq_target target_of(const struct ria_settled *settled)
{
    return (struct ria_pq_target){
        .host = ria_settled_value(settled, "host"),
        .hostaddr = ria_settled_value(settled, "hostaddr"),
        .port = ria_settled_value(settled, "port"),
        .user = ria_settled_value(settled, "user"),
        .sslmode = ria_settled_value(settled, "sslmode"),
        .gssencmode = ria_settled_value(settled, "gssencmode"),
        .passfile = ria_settled_value(settled, "passfile"),
    };
}

/* The same, for a call that is made with tokens: make_call_with_tls(). */
static struct ria_pq_target target_with_tls(const struct ria_settled *settled)
{
    struct ria_pq_target target = target_of(settled);
    if (prefers_gss(settled)) {
        target.gssencmode = "disable";
    }
    return target;
}

/* A host or an address is given, and not only a Unix socket's directory. */
static bool is_on_network(const struct ria_pq_target *target)
{
    const char *host = target->host;
    if (target->hostaddr != NULL || host == NULL) {
        return target->hostaddr != NULL;
    }
    return (*host != '/' && *host != '@') || strchr(host, ',') != NULL;
}

/* The user's passfile has what the connection needs; of a list, only the first host's is known. */
static bool is_provided_for(const struct ria_settled *settled, const struct ria_pq_target *target)
{
    const char *hosts = target->host != NULL ? target->host : target->hostaddr;
    return settled->has_stored_password && strchr(hosts, ',') == NULL;
}

struct outcome {
    bool is_laid_over; /* a passfile with tokens over the connection's own */
    bool has_tokens;   /* the passfile that libpq will read has some */
    bool is_known;     /* the given token is of an earlier connection */
};

/* given: the token that the program has, or NULL; it is not changed. */
static struct outcome lay_over(const struct ria_pq_target *target, char *given)
{
    struct ria_pq_question question = {.wish = RIA_PQ_CONNECTION_PASSFILE, .target = target};
    question.password = given;
    struct outcome outcome = {0};
    struct ria_hold hold;
    ria_hold_begin(&hold); /* a handler that jumps away would leave the descriptor open */
    ria_pq_ask(&question);
    outcome.has_tokens = question.ok;
    outcome.is_known = question.is_known;
    outcome.is_laid_over = question.fd >= 0;
    if (outcome.is_laid_over || question.is_hidden) {
        ria_overlay_serve(target->passfile, question.fd);
    }
    ria_hold_end(&hold);
    return outcome;
}

/* -- a token that the program has ------------------------------------------------------------ */

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

/* The settings of a connection, less the password and those of the list `but`, with room for three
 * more. All else is given as it was settled. */
static bool without_password(
    const struct ria_settled *settled, const char *const *but, struct ria_arguments *out)
{
    if (!ria_arguments_init(out, OPTIONS_MAX + 4, 1) || !say_what_is_empty(settled, but, out)) {
        return false;
    }
    for (const struct ria_pq_option *at = settled->options; at->keyword != NULL; at++) {
        if (!is_left_out(at, but) && *at->val != '\0' && out->count < OPTIONS_MAX) {
            ria_arguments_add(out, at->keyword, at->val);
        }
    }
    return true;
}

/* The same connection; `second` has the one setting that `first` was spoiled with. Not by Kerberos.
 */
static bool settle_again(
    const struct ria_settled *first, const struct ria_settled *second, struct ria_arguments *out)
{
    static const char *const spoiled[] = {"target_session_attrs", NULL};
    static const char *const both[] = {"target_session_attrs", "gssencmode", NULL};
    bool is_gss = prefers_gss(first);
    if (!without_password(first, is_gss ? both : spoiled, out)) {
        return false;
    }
    ria_arguments_add(out, spoiled[0], ria_settled_value(second, spoiled[0]));
    if (is_gss) {
        ria_arguments_add(out, "gssencmode", "disable");
    }
    return true;
}

/* Whether the connection is begun without the given token: the passfile, with ours laid over it or
 * as it is (an agent's), has one that it gives way to. Of a list of hosts only the first one's
 * token is known; where that has none, ours are for others. */
static bool gives_way(
    const struct ria_libpq *libpq,
    struct ria_arguments *bare,
    const char *given,
    struct outcome outcome)
{
    RIA_AUTO(settled) settled = {0};
    if (!ria_probe(libpq, bare, "target_session_attrs", &settled)) {
        return false;
    }
    if (settled.stored_token == NULL) {
        const char *hosts = ria_settled_value(&settled, "host");
        bool is_list = hosts != NULL && strchr(hosts, ',') != NULL;
        return outcome.is_laid_over && (is_list || settled.has_stored_password) &&
               (outcome.is_known || ria_token_is_over(given, time(NULL)));
    }
    return ria_token_is_replaced(given, settled.stored_token, outcome.is_known);
}

static bool may_send(const struct ria_pq_target *target)
{
    struct ria_pq_question question = {.wish = RIA_PQ_MAY_SEND, .target = target};
    bool is_tls = target->gssencmode == NULL || strcmp(target->gssencmode, "disable") == 0;
    if (is_tls && target->sslmode != NULL && strcmp(target->sslmode, "verify-full") == 0) {
        return true;
    }
    ria_pq_ask(&question);
    return question.ok;
}

static struct ria_pq_conn *connect_without_token(
    const struct ria_libpq *libpq,
    const struct ria_call *call,
    struct ria_arguments *arguments,
    const struct ria_settled *settled)
{
    RIA_AUTO(settled) second = {0};
    RIA_AUTO(arguments) bare = {0};
    RIA_AUTO(settled) again = {0};
    struct ria_pq_target target = target_with_tls(settled);
    bool is_allowed = may_send(&target);
    bool is_settled = ria_probe(libpq, arguments, "sslmode", &second) &&
                      settle_again(settled, &second, &bare) &&
                      ria_probe(libpq, &bare, "target_session_attrs", &again);
    ria_overlay_set(RIA_OVERLAY_PASS);
    if (!is_settled) {
        return is_allowed ? make_call_with_tls(libpq, call, arguments, settled) : NULL;
    }
    target = target_of(&again);
    char *given = ria_settled_value(settled, "password");
    target.has_token = is_allowed && !ria_token_is_over(given, time(NULL));
    struct outcome outcome = lay_over(&target, given);
    if (is_allowed && !gives_way(libpq, &bare, given, outcome)) {
        return make_call_with_tls(libpq, call, arguments, settled);
    }
    return ria_call_params(libpq, call->params, bare.keywords, bare.values, bare.expand_dbname);
}

/* A stray password ends in the server's "PAM authentication failed" and no other word. */
static void say_password(const struct ria_pq_target *target, char *given)
{
    struct ria_pq_question question = {.wish = RIA_PQ_SAY_PASSWORD, .target = target};
    question.password = given;
    if (ria_is_heard()) {
        ria_pq_ask(&question);
    }
}

/* -- the whole ------------------------------------------------------------------------------- */

static struct ria_pq_conn *connect_with_token(
    const struct ria_libpq *libpq, const struct ria_call *call)
{
    RIA_AUTO(arguments) arguments = {0};
    RIA_AUTO(settled) settled = {0};
    ria_overlay_set(RIA_OVERLAY_HIDE);
    bool is_settled = ria_call_arguments(call, &arguments) &&
                      ria_probe(libpq, &arguments, "target_session_attrs", &settled);
    struct ria_pq_target target = {0};
    if (is_settled) {
        target = target_with_tls(&settled);
    }
    char *password = is_settled ? ria_settled_value(&settled, "password") : NULL;
    if (is_settled && ria_is_token(password) && is_on_network(&target)) {
        return connect_without_token(libpq, call, &arguments, &settled);
    }
    ria_overlay_set(RIA_OVERLAY_PASS);
    if (!is_settled || !is_on_network(&target)) {
        return ria_call_make(libpq, call);
    }
    if (password != NULL || is_provided_for(&settled, &target)) {
        say_password(&target, password);
    } else {
        target.has_token =
            settled.stored_token != NULL && !ria_token_is_over(settled.stored_token, time(NULL));
        struct outcome outcome = lay_over(&target, NULL);
        if (outcome.has_tokens || settled.stored_token != NULL) {
            return make_call_with_tls(libpq, call, &arguments, &settled);
        }
    }
    return ria_call_make(libpq, call);
}

static void end_overlay(void *unused)
{
    (void)unused;
    ria_overlay_end();
}

/* libpq waits where a thread can be cancelled. */
static struct ria_pq_conn *connect_and_end(/* NOLINT(readability-function-size): two macros */
                                           const struct ria_libpq *libpq,
                                           const struct ria_call *call)
{
    struct ria_pq_conn *conn;
    pthread_cleanup_push(end_overlay, NULL);
    conn = connect_with_token(libpq, call);
    pthread_cleanup_pop(1);
    return conn;
}

struct ria_pq_conn *ria_connect(const struct ria_call *call)
{
    int saved = errno;
    RIA_AUTO(libpq) libpq = {0};
    if (!ria_libpq_find(call->name, call->caller, &libpq)) {
        return NULL;
    }
    errno = saved;
    /* libpq calls its own functions by their public names, and comes by here again. */
    if (ria_overlay_mode() != RIA_OVERLAY_NONE || getauxval(AT_SECURE) != 0) {
        return ria_call_make(&libpq, call);
    }
    return connect_and_end(&libpq, call);
}

/* -- reset ----------------------------------------------------------------------------------- */

/* How much fits where a password is. Only an allocator that answers for its own blocks is asked. */
static size_t room_at(char *password)
{
    Dl_info owner;
    Dl_info asked;
    size_t (*usable)(void *) = NULL;
    void *allocate = ria_lookup(RTLD_DEFAULT, "malloc");
    void *found = ria_lookup(RTLD_DEFAULT, "malloc_usable_size");
    memcpy(&usable, &found, sizeof(usable));
    if (usable == NULL || dladdr(allocate, &owner) == 0 || dladdr(found, &asked) == 0 ||
        owner.dli_fbase != asked.dli_fbase) {
        return strlen(password) + 1;
    }
    return usable(password);
}

/* Writes the passfile's token over the connection's, if that gives way to it and it fits. False if
 * it does not give way. */
static bool take_from_passfile(
    const struct ria_libpq *libpq,
    const struct ria_settled *settled,
    const struct ria_pq_question *question)
{
    static const char *const but[] = {"host", "hostaddr", "port", "target_session_attrs", NULL};
    RIA_AUTO(arguments) bare = {0};
    RIA_AUTO(settled) now = {0};
    if (!without_password(settled, but, &bare)) {
        return false;
    }
    ria_arguments_add(&bare, "host", question->target->host);
    ria_arguments_add(&bare, "port", question->target->port);
    ria_overlay_set(RIA_OVERLAY_PASS);
    bool is_better =
        ria_probe(libpq, &bare, "target_session_attrs", &now) &&
        ria_token_is_replaced(question->password, now.stored_token, question->is_known);
    ria_overlay_end();
    if (!is_better) {
        return false;
    }
    if (strlen(now.stored_token) >= question->room) {
        struct ria_pq_question say = {.wish = RIA_PQ_SAY_TOO_LONG};
        ria_pq_ask(&say);
    } else {
        memcpy(question->password, now.stored_token, strlen(now.stored_token) + 1);
    }
    return true;
}

/* Why no token could be made for a reset. */
static void say_refusal(struct ria_pq_question *question)
{
    if (question->refusal != NULL) {
        question->wish = RIA_PQ_SAY_REFUSAL;
        ria_pq_ask(question);
        free(question->refusal);
    }
}

/* PQpass() returns the connection's own string, which strdup() made: fe-connect.c, 10 to 18. */
void ria_connect_refresh(const struct ria_libpq *libpq, struct ria_pq_conn *conn)
{
    char *(*pass)(const struct ria_pq_conn *);
    char *(*host)(const struct ria_pq_conn *);
    char *(*port)(const struct ria_pq_conn *);
    if (getauxval(AT_SECURE) != 0 || conn == NULL || !ria_libpq_function(libpq, "PQpass", &pass) ||
        !ria_libpq_function(libpq, "PQhost", &host) ||
        !ria_libpq_function(libpq, "PQport", &port)) {
        return;
    }
    char *password = pass(conn);
    RIA_AUTO(settled) settled = {0};
    if (!ria_is_token(password) || !ria_probe_connection(libpq, conn, &settled)) {
        return;
    }
    struct ria_pq_target target = target_of(&settled);
    target.host = host(conn); /* of the list, the one that it is connected to */
    target.hostaddr = NULL;
    target.port = port(conn);
    struct ria_pq_question question = {
        .wish = RIA_PQ_REFRESH,
        .target = &target,
        .password = password,
        .room = room_at(password),
    };
    ria_pq_ask(&question);
    if (question.ok) {
        return;
    }
    if (!may_send(&target)) {
        explicit_bzero(password, strlen(password));
    } else if (ria_overlay_mode() == RIA_OVERLAY_NONE) {
        target.has_token = take_from_passfile(libpq, &settled, &question);
    }
    say_refusal(&question);
}
