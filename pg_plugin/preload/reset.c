/* SPDX-License-Identifier: MIT
 *
 * Writes over the token that a connection holds, before PQreset() or PQresetStart() sends it again.
 *
 * Why: for a reset, libpq sends the password that the connection has from its beginning, and does
 * not read the passfile again. A token is over after 15 minutes, and programs reset connections
 * that are much older (Rails reconnects that way). libpq has no function that would change the
 * password: what PQpass() returns is the connection's own string, which strdup() or the passfile's
 * line made (fe-connect.c, 10 to 18).
 *
 * What is checked first: that the password is a token; that libpq tells the connection's settings
 * and that they allow a token, which is wiped if not; that the later token replaces this one
 * (module.h); and that it fits into this one's block of memory, whose size the allocator tells. The
 * lines that we make for passfiles have spare room for that. What does not fit is not written. */
#include "preload/connect.h"

#include "preload/overlay.h"
#include "preload/probe.h"
#include "preload/query.h"

#include "base/buf.h"
#include "interpose/real_dlsym.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

static void log_too_long(void)
{
    ria_query_log(
        RIA_LOG_WARNING,
        "the fresh token is longer than the one that the connection keeps, so its reset sends the "
        "old one; connect anew instead");
}

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

/* Writes the passfile's token over the held one, if that is replaced by it and it fits. is_known:
 * the held one is of an earlier connection of this process. False if it is not replaced. */
static bool take_from_passfile(
    const struct ria_library *libpq,
    const struct ria_settled *settled,
    const struct ria_pq_target *target,
    const struct ria_pq_token_slot *held,
    bool is_in_history)
{
    static const char *const but[] = {"host", "hostaddr", "port", "target_session_attrs", NULL};
    RIA_AUTO(arguments) bare = {0};
    RIA_AUTO(settled) now = {0};
    if (!ria_settled_without_password(settled, but, &bare)) {
        return false;
    }
    ria_arguments_add(&bare, "host", target->host);
    ria_arguments_add(&bare, "port", target->port);
    ria_overlay_set(RIA_OVERLAY_PASS);
    bool is_better = ria_probe(libpq, &bare, "target_session_attrs", &now) == RIA_PROBE_SETTLED &&
                     ria_token_is_replaced(held->token, now.stored_token, is_in_history);
    ria_overlay_end();
    if (!is_better) {
        return false;
    }
    if (strlen(now.stored_token) >= held->room) {
        log_too_long();
    } else {
        memcpy(held->token, now.stored_token, strlen(now.stored_token) + 1);
    }
    return true;
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

static void reset_refresh(
    const struct ria_library *libpq,
    const struct ria_settled *settled,
    struct ria_pq_target *target,
    char *password)
{
    const struct ria_pq_token_slot held = {.token = password, .room = room_at(password)};
    struct ria_pq_refreshed refreshed;
    (void)ria_query_refresh(target, &held, &refreshed);
    if (refreshed.is_right) {
        return;
    }
    if (refreshed.is_too_long) {
        log_too_long();
    }
    if (!ria_query_may_send(target)) {
        explicit_bzero(password, strlen(password));
    } else if (ria_overlay_mode() == RIA_OVERLAY_NONE) {
        target->has_token =
            take_from_passfile(libpq, settled, target, &held, refreshed.is_in_history);
    }
    if (refreshed.refusal[0] != '\0') {
        ria_query_log(target->has_token ? RIA_LOG_INFO : RIA_LOG_WARNING, refreshed.refusal);
    }
}

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
    reset_refresh(libpq, &settled, &target, password);
}
