/* SPDX-License-Identifier: MIT
 *
 * From a plan to credentials: keys that the plan holds, this process's copy, the cache file, and
 * only then rds-iam-fetch.
 *
 * Refused before anything is asked: keys in quotes and temporary keys without their session token,
 * which AWS would refuse whatever is signed with them; a role with mfa_serial where nobody has
 * typed a code, unless credentials of it are cached.
 */
#ifndef RIA_PROVIDER_OBTAIN_H
#define RIA_PROVIDER_OBTAIN_H

#include "provider/provider.h"
#include "provider/response.h"

/* The road that credentials came by. */
enum ria_origin {
    RIA_ORIGIN_PLAN,    /* the settings hold them */
    RIA_ORIGIN_MEMORY,  /* this process's copy */
    RIA_ORIGIN_FILE,    /* the cache */
    RIA_ORIGIN_FETCHED, /* rds-iam-fetch */
};

/* Fills *out, whose outcome is then the answer: FOUND; ABSENT (nobody at the metadata service's
 * address), FAILED; out->err says why. Credentials with less than a token's life left are renewed,
 * and kept if that fails while they live. Where the plan's keys are the answer, they are moved out
 * of it. */
enum ria_origin ria_obtain(
    const struct ria_query *query, struct ria_plan *plan, struct ria_response *out);

/* Replaces *err, where rds-iam-fetch or its deadline says that the plan's command was too slow:
 * "file:line: ... the limit; the setting, and the command that has more time". `budget` is the time
 * that there was, milliseconds. Any other error stays as it is. */
void ria_slow_process_explain(
    const struct ria_query *query,
    const struct ria_plan *plan,
    int64_t budget,
    struct ria_error *err);

#endif
