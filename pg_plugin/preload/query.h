/* SPDX-License-Identifier: MIT
 *
 * Queries to the token module: each function calls one function of module.h in the right
 * surroundings. The first query loads the module from its installed path. A query runs on the
 * caller's stack if that has enough room, and otherwise on a new thread, which has ended when the
 * query returns. Cancellation, and signals that have a handler, are deferred until then
 * (signal_guard.h). A query may block for 10 s. errno is unchanged. From any thread.
 *
 * A function returns false, or -1, if the query cannot run: the module cannot be loaded, has
 * another version, or no thread can be started. If that means a login without a token, the reason
 * is logged.
 */
#ifndef RIA_PRELOAD_QUERY_H
#define RIA_PRELOAD_QUERY_H

#include "preload/module.h"

/* make_passfile() of the module. If the query cannot run, *out has fd -1 and all flags false. */
bool ria_query_passfile(
    const struct ria_pq_target *target, const char *given, struct ria_pq_passfile *out);

/* make_service_passfile() of the module. */
int ria_query_service_passfile(const char *path, bool dry_run);

/* may_send() of the module. A target for which ria_query_is_verified() holds needs no query, so a
 * program that brings its own tokens usually does not load the module. */
bool ria_query_may_send(const struct ria_pq_target *target);

/* Returns true if the settings alone show that a token may be sent: sslmode=verify-full, no
 * Kerberos encryption, no Unix socket, and no service file that would have to be checked. Makes no
 * query. */
bool ria_query_is_verified(const struct ria_pq_target *target);

/* refresh() of the module. If the query cannot run, *out is all false. */
bool ria_query_refresh(
    const struct ria_pq_target *target,
    const struct ria_pq_token_slot *held,
    struct ria_pq_refreshed *out);

/* Which root certificates verify the target's hosts. RIA_PQ_CA_NONE also without a response. */
enum ria_pq_ca ria_query_ca(const struct ria_pq_target *target);

/* log() of the module: unlike interpose/preload_log.h, it has levels. */
void ria_query_log(enum ria_log_level level, const char *text);

#endif
