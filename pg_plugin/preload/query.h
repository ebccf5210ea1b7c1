/* SPDX-License-Identifier: MIT
 *
 * Asks the other object, by the functions of module.h. The first query loads it from its installed
 * path. It answers on the stack in use if that has room, and else on a thread of our own, which has
 * ended when the query returns. Cancellation and signals with a handler wait meanwhile
 * (signal_guard.h).
 *
 * False, or -1, if there is no answer: the module cannot be loaded, is of another version, or no
 * thread can be begun. Where that means a login without a token, the reason is logged. errno is
 * kept.
 */
#ifndef RIA_PRELOAD_QUERY_H
#define RIA_PRELOAD_QUERY_H

#include "preload/module.h"

/* A passfile for a connection. Without an answer *out has none, and knows nothing. */
bool ria_query_passfile(
    const struct ria_pq_target *target, const char *given, struct ria_pq_passfile *out);

/* One for a passfile= of pg_service.conf. */
int ria_query_service_passfile(const char *path, bool dry_run);

/* Whether a token that was not made here may go to target. The target's own settings decide the
 * usual case, so that a program that brings its own tokens needs no other object. */
bool ria_query_may_send(const struct ria_pq_target *target);

/* True if these settings say so: a server that is verified by name, no Kerberos, no Unix socket, no
 * service file that would have to be judged. */
bool ria_query_is_surely_fit(const struct ria_pq_target *target);

/* A fresh token for a reset. Without an answer *out is all false. */
bool ria_query_refresh(
    const struct ria_pq_target *target,
    const struct ria_pq_token_slot *held,
    struct ria_pq_refreshed *out);

/* Which root certificates verify the target's hosts. RIA_PQ_CA_NONE also without a response. */
enum ria_pq_ca ria_query_ca(const struct ria_pq_target *target);

/* Logs a message through the module's log, which has levels. */
void ria_query_log(enum ria_log_level level, const char *text);

#endif
