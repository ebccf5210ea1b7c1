/* SPDX-License-Identifier: MIT
 *
 * Runs queries to the token module. A query is a call of one function of module.h with enough
 * stack, without redirected paths (overlay.h), and with signals deferred. ria_query_is_verified()
 * makes no query, and ria_query_may_send() makes one only if it needs one. Each other function
 * makes one query. The first query loads the module from its installed path. A query runs on the
 * caller's stack if that stack has enough room. Otherwise it runs on a new thread, which ends
 * before the query returns. Cancellation, and signals that have a handler, are deferred until the
 * query returns (signal_guard.h). A query may block for 10 s, and for the time of reading local
 * files. errno is unchanged. The functions may be called from any thread.
 *
 * A query cannot run if the module cannot be loaded or has a different version, or if the query
 * needs a thread and none can be started. In this case ria_query_passfile() and ria_query_refresh()
 * return false, and so does ria_query_may_send() if it needs a query. ria_query_service_passfile()
 * returns -1, ria_query_ca() returns RIA_PQ_CA_NONE, and ria_query_log() does nothing.
 * ria_query_passfile(), ria_query_service_passfile() and ria_query_refresh() log the reason,
 * because a login then has no token.
 */
#ifndef RIA_PRELOAD_QUERY_H
#define RIA_PRELOAD_QUERY_H

#include "preload/module.h"

/* Calls make_passfile() of the module. If the query cannot run, *out has fd -1 and all flags false.
 */
bool ria_query_passfile(
    const struct ria_pq_target *target, const char *given, struct ria_pq_passfile *out);

/* Calls make_service_passfile() of the module. */
int ria_query_service_passfile(const char *path, bool dry_run);

/* Returns true without a query if ria_query_is_verified() returns true; otherwise calls may_send()
 * of the module. So in a program that gives its own tokens, this function usually does not load the
 * module. */
bool ria_query_may_send(const struct ria_pq_target *target);

/* Returns true if the settings alone show that a token may be sent: sslmode is verify-full,
 * gssencmode is disable or not set, no host is a Unix socket, and no setting comes from a service
 * file, which the module would have to check. Runs no query. */
bool ria_query_is_verified(const struct ria_pq_target *target);

/* Calls refresh() of the module. If the query cannot run, *out is all false. */
bool ria_query_refresh(
    const struct ria_pq_target *target,
    const struct ria_pq_token_slot *held,
    struct ria_pq_refreshed *out);

/* Calls ca_of() of the module, which returns the root certificates that verify the target's hosts.
 */
enum ria_pq_ca ria_query_ca(const struct ria_pq_target *target);

/* Calls log() of the module. If the module cannot be loaded, does nothing, unlike
 * ria_preload_log(). */
void ria_query_log(enum ria_log_level level, const char *text);

#endif
