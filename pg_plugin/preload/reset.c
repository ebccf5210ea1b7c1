/* SPDX-License-Identifier: MIT
 *
 * Writes over the connection's own copy of the token, which PQpass() shows: libpq has no function
 * that would change it. */
#include "preload/reset.h"

#include "preload/overlay.h"
#include "preload/probe.h"
#include "preload/query.h"
#include "preload/replace.h"
#include "preload/send.h"

#include "base/buf.h"
#include "interpose/real_dlsym.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

/* How much fits where a password is. Only an allocator that answers for its own blocks is asked. */
static size_t room_at(char *password)
{
    Dl_info owner;
    Dl_info asked;
    size_t (*usable)(void *) = NULL;
    void *allocate = ria_real_dlsym(RTLD_DEFAULT, "malloc");
    void *found = ria_real_dlsym(RTLD_DEFAULT, "malloc_usable_size");
    memcpy(&usable, &found, sizeof(usable));
    if (usable == NULL || dladdr(allocate, &owner) == 0 || dladdr(found, &asked) == 0 ||
        owner.dli_fbase != asked.dli_fbase) {
        return strlen(password) + 1;
    }
    return usable(password);
}

/* Writes the passfile's token over the connection's, if that is replaced by it and it fits. False
 * if it is not replaced. */
static bool take_from_passfile(
    const struct ria_library *libpq,
    const struct ria_settled *settled,
    const struct ria_pq_question *question)
{
    static const char *const but[] = {"host", "hostaddr", "port", "target_session_attrs", NULL};
    RIA_AUTO(arguments) bare = {0};
    RIA_AUTO(settled) now = {0};
    if (!ria_settled_without_password(settled, but, &bare)) {
        return false;
    }
    ria_arguments_add(&bare, "host", question->target->host);
    ria_arguments_add(&bare, "port", question->target->port);
    ria_overlay_set(RIA_OVERLAY_PASS);
    bool is_better =
        ria_probe(libpq, &bare, "target_session_attrs", &now) == RIA_PROBE_SETTLED &&
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

/* Where it goes: of the list, the one host that the connection is on. What else is in the list
 * counts for the question whether it may go. */
static struct ria_pq_target target_now(
    const struct ria_settled *settled, const char *host, const char *port)
{
    struct ria_pq_target target = ria_settled_target(settled);
    target.host = host;
    target.hostaddr = NULL;
    target.port = port;
    return target;
}

static void refresh(
    const struct ria_library *libpq,
    const struct ria_settled *settled,
    struct ria_pq_target *target,
    char *password)
{
    struct ria_pq_question question = {
        .wish = RIA_PQ_REFRESH,
        .target = target,
        .password = password,
        .room = room_at(password),
    };
    ria_pq_ask(&question);
    if (question.ok) {
        return;
    }
    if (!ria_may_send(target)) {
        explicit_bzero(password, strlen(password));
    } else if (ria_overlay_mode() == RIA_OVERLAY_NONE) {
        target->has_token = take_from_passfile(libpq, settled, &question);
    }
    say_refusal(&question);
}

/* PQpass() returns the connection's own string, which strdup() made: fe-connect.c, 10 to 18. */
void ria_reset_refresh(const struct ria_library *libpq, struct ria_pq_conn *conn)
{
    char *(*pass)(const struct ria_pq_conn *);
    char *(*host)(const struct ria_pq_conn *);
    char *(*port)(const struct ria_pq_conn *);
    if (getauxval(AT_SECURE) != 0 || conn == NULL ||
        !ria_library_function(libpq, "PQpass", &pass)) {
        return;
    }
    char *password = pass(conn);
    if (!ria_is_token(password)) {
        return;
    }
    RIA_AUTO(settled) settled = {0};
    if (!ria_library_function(libpq, "PQhost", &host) ||
        !ria_library_function(libpq, "PQport", &port) || !ria_probe_is_possible(libpq) ||
        !ria_probe_connection(libpq, conn, &settled)) {
        explicit_bzero(password, strlen(password));
        return;
    }
    struct ria_pq_target target = target_now(&settled, host(conn), port(conn));
    refresh(libpq, &settled, &target, password);
}
