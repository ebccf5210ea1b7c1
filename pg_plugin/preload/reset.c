/* SPDX-License-Identifier: MIT
 *
 * Overwrites the token that a connection stores, before PQreset() or PQresetStart() sends it again.
 *
 * For a reset, libpq does not read the passfile again, but sends the password that the connection
 * has stored since it began. A token expires after 15 minutes, but programs also reset connections
 * that are much older. For example, Rails reconnects by a reset. libpq has no function that changes
 * the password. But PQpass() returns the connection's own string. libpq copies this string from a
 * setting with strdup(), or allocates it for a line of the passfile (fe-connect.c of PostgreSQL 10
 * to 18).
 *
 * This file overwrites that string only if these conditions hold, checked in this order:
 *
 *   1. The password is a token.
 *   2. libpq reports the connection's settings, and these settings allow a token. If they do not,
 *      or if libpq does not report them, the stored token is wiped.
 *   3. ria_token_is_replaced() (module.h) returns true for the stored and the fresh token.
 *   4. The fresh token fits into the memory block of the stored one. The allocator reports the size
 *      of the block.
 *
 * The token module (module.h) ends the lines of its own passfiles with spare bytes, so that libpq
 * allocates a block with room for a longer token. */
#include "preload/connect.h"

#include "preload/overlay.h"
#include "preload/probe.h"
#include "preload/query.h"

#include "base/buf.h"
#include "interpose/preload_log.h"
#include "interpose/real_dlsym.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

static void log_too_long(void)
{
    ria_query_log(
        RIA_LOG_WARNING,
        "the fresh token is longer than the one that the connection stores, so its reset sends the "
        "old one; open a new connection instead");
}

/* Returns the size of the memory block that `password` points to. If this size is unknown, returns
 * the length of the password including its NUL. malloc_usable_size() is called only if it comes
 * from the same object as malloc(), because an allocator cannot measure the blocks of another
 * allocator. */
static size_t room_at(char *password)
{
    Dl_info owner;
    Dl_info measurer;
    size_t (*usable)(void *) = NULL;
    void *allocate = ria_real_dlsym(RTLD_DEFAULT, "malloc");
    void *found = ria_real_dlsym(RTLD_DEFAULT, "malloc_usable_size");
    memcpy(&usable, &found, sizeof(usable));
    if (usable == NULL || dladdr(allocate, &owner) == 0 || dladdr(found, &measurer) == 0 ||
        owner.dli_fbase != measurer.dli_fbase) {
        return strlen(password) + 1;
    }
    return usable(password);
}

/* Copies the passfile's token over the stored token if conditions 3 and 4 (see above) hold for the
 * passfile's token. `is_in_history` has the same meaning as in module.h. Returns false if the
 * passfile has no token that replaces the stored token. */
static bool copy_from_passfile(
    const struct ria_library *libpq,
    const struct ria_pq_settings *settings,
    const struct ria_pq_target *target,
    const struct ria_pq_token_slot *held,
    bool is_in_history)
{
    static const char *const excluded[] = {
        "host", "hostaddr", "port", "target_session_attrs", NULL};
    RIA_AUTO(arguments) bare = {0};
    RIA_AUTO(pq_settings) now = {0};
    if (!ria_pq_settings_without_password(settings, excluded, &bare)) {
        return false;
    }
    ria_arguments_add(&bare, "host", target->host);
    ria_arguments_add(&bare, "port", target->port);
    ria_overlay_set(RIA_OVERLAY_PASS);
    bool is_better = ria_probe(libpq, &bare, "target_session_attrs", &now) == RIA_PROBE_RESOLVED &&
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

/* Returns the target of the reset. If the connection has a list of hosts, the target's host is the
 * one to which the program is connected now. has_socket refers to the whole list, because libpq may
 * try the other hosts. */
static struct ria_pq_target target_now(
    const struct ria_pq_settings *settings, const char *host, const char *port)
{
    struct ria_pq_target target = ria_pq_settings_target(settings);
    target.host = host;
    target.hostaddr = NULL;
    target.port = port;
    return target;
}

/* Makes a fresh token and writes it over the stored token. If that fails, copies a token from the
 * passfile, or wipes the stored token if no token may be sent. */
static void reset_refresh(
    const struct ria_library *libpq,
    const struct ria_pq_settings *settings,
    struct ria_pq_target *target,
    char *password)
{
    const struct ria_pq_token_slot held = {.token = password, .room = room_at(password)};
    struct ria_pq_refreshed refreshed;
    (void)ria_query_refresh(target, &held, &refreshed);
    if (refreshed.is_current) {
        return;
    }
    if (refreshed.is_too_long) {
        log_too_long();
    }
    if (!ria_query_may_send(target)) {
        explicit_bzero(password, strlen(password));
    } else if (ria_overlay_mode() == RIA_OVERLAY_NONE) {
        target->has_token =
            copy_from_passfile(libpq, settings, target, &held, refreshed.is_in_history);
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
    RIA_AUTO(pq_settings) settings = {0};
    if (!ria_library_function(libpq, "PQhost", &host) ||
        !ria_library_function(libpq, "PQport", &port) || !ria_probe_is_possible(libpq) ||
        !ria_probe_connection(libpq, conn, &settings)) {
        explicit_bzero(password, strlen(password));
        ria_preload_log(
            RIA_LOG_WARNING,
            "the reset sends no token: libpq does not report the connection's settings, maybe for "
            "lack of memory; open a new connection instead");
        return;
    }
    struct ria_pq_target target = target_now(&settings, host(conn), port(conn));
    reset_refresh(libpq, &settings, &target, password);
}
