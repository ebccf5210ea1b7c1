/* SPDX-License-Identifier: MIT
 *
 * Caches, in the memory of this process, what the credential chain found for a query. A later login
 * with an equal query then makes no plan (aws/plan.h), and reads neither of AWS's two files (config
 * and credentials).
 *
 * A copy is used only while these conditions hold:
 *
 *   - The query, HOME, every variable AWS_*, and the effective user are the same as when the copy
 *     was stored.
 *   - world->read_facts() returns the same facts of both AWS files as when the files were read, and
 *     a file that did not exist still does not exist.
 *   - The copy is less than an hour old.
 *   - If the credentials came from rds-iam-fetch, their in-process copy (memory_cache.h) is still
 *     the same and needs no renewal.
 *
 * The credentials of web identity, container and instance metadata also depend on a token file or
 * on the machine, so they are not cached here. Keys in the environment are not cached either,
 * because they are read without a file. Nothing is cached if one of the files is on a network file
 * system (world->is_remote()), because read_facts() may notice a change of such a file a minute
 * late. Nothing is cached if the world has a log, so that the log contains each file that was read
 * and each warning about it. The first call of ria_chain_copy_put() in a process stores nothing, so
 * a process that makes only one RDS token caches no keys.
 *
 * The copies are in secret memory (base/secret.h), at most 16. If the credentials are static keys,
 * the copy contains the keys. Otherwise it contains the name of their in-process copy
 * (memory_cache.h). The text by which a copy is found (ria_chain_copy_key()) contains the value of
 * each variable AWS_*. So this text also contains AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN in
 * two cases: if they are set but a setting names a profile that is used in their place, and if
 * rds-iam's configuration names a role that is assumed with them. ria_chain_copy_get() and
 * ria_chain_copy_expire() wipe the copies that are an hour old. If a file has changed,
 * ria_chain_copy_get() wipes each copy that was made from the path of this file.
 *
 * Thread-safe, and never blocks: if the lock stays taken, a call finds, stores and wipes nothing,
 * and the caller makes the plan.
 */
#ifndef RIA_PROVIDER_CHAIN_COPY_H
#define RIA_PROVIDER_CHAIN_COPY_H

#include "provider/provider.h"
#include "provider/response.h"

/* Writes to *key the text by which the query's copy is found: everything that decides what the
 * chain finds for the query, except for the files. Returns false if nothing is cached for such a
 * query. The key can contain a secret. */
bool ria_chain_copy_key(const struct ria_query *query, struct ria_buf *key);

/* Fills *out, as ria_chain_find() does if it returns FOUND. Returns false, with *out empty, if the
 * query has no copy, if one of the conditions above does not hold, or if the lock stays taken. */
bool ria_chain_copy_get(
    const struct ria_query *query, const struct ria_buf *key, struct ria_response *out);

/* Stores what the chain has found: the plan, and the credentials that carrying it out returned.
 * `key` was written before the plan was made; if the query now has another key, the environment
 * has changed meanwhile, and nothing is stored. */
void ria_chain_copy_put(
    const struct ria_query *query,
    const struct ria_buf *key,
    const struct ria_plan *plan,
    const struct ria_response *response);

/* Wipes the copies that are an hour old. */
void ria_chain_copy_expire(const struct ria_world *world);

/* Wipes all copies. */
void ria_chain_copy_clear(void);

#endif
