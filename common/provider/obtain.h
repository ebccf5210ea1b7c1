/* SPDX-License-Identifier: MIT
 *
 * Turns a plan (aws/plan.h) into credentials. Tries the static keys in the plan, then the
 * in-process copy (memory_cache.h), then the cache file (cache.h), and runs rds-iam-fetch last.
 *
 * Rejects a plan whose keys are in quotes, and a plan with temporary keys and no session token,
 * because AWS rejects every signature that is made with such keys. Also rejects a plan with a role
 * that has mfa_serial, if no MFA code was entered and the role's credentials are not cached.
 */
#ifndef RIA_PROVIDER_OBTAIN_H
#define RIA_PROVIDER_OBTAIN_H

#include "provider/provider.h"
#include "provider/response.h"

/* Where credentials were read or obtained. */
enum ria_origin {
    RIA_ORIGIN_PLAN,    /* static keys in the settings, or nothing was obtained */
    RIA_ORIGIN_MEMORY,  /* the in-process copy */
    RIA_ORIGIN_FILE,    /* the cache file */
    RIA_ORIGIN_FETCHED, /* rds-iam-fetch */
};

/* Fills *out and sets its outcome to FOUND, FAILED or ABSENT. The outcome is ABSENT only if the
 * plan's source is instance metadata, and the metadata service does not respond, is switched off,
 * or has no role. Unless the outcome is FOUND, out->err contains the reason. Cached credentials
 * that are not fresh (ria_cache_is_fresh()) are renewed; if the renewal fails, the cached
 * credentials are used until they expire. Static keys are moved out of the plan into *out. Blocks
 * until query->deadline at most. */
enum ria_origin ria_obtain(
    const struct ria_query *query, struct ria_plan *plan, struct ria_response *out);

/* Improves the error of a credential_process that was too slow. An error counts as such in two
 * cases: its code is RIA_E_SLOW_PROCESS; or its code is RIA_E_DEADLINE, and the plan is a
 * credential_process without roles. Any other error is left unchanged. `budget` is the time limit
 * that applied, in milliseconds. If `budget` is not longer than the limit of a login
 * (RIA_LOGIN_BUDGET_MS), the new message names the limit and a remedy. The remedy is to set
 * cache_credential_process (if it is not set), to fix XDG_RUNTIME_DIR (if it cannot be used), and
 * to run an rds-iam command, which has a longer limit than a login. If `budget` is longer, an error
 * with the code RIA_E_DEADLINE is replaced by a message that names the limit, and an error with the
 * code RIA_E_SLOW_PROCESS is left unchanged. */
void ria_slow_process_explain(
    const struct ria_query *query,
    const struct ria_plan *plan,
    int64_t budget,
    struct ria_error *err);

#endif
