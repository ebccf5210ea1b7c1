/* SPDX-License-Identifier: MIT
 *
 * What a user is told of a credential_process that is slower than a login.
 */
#ifndef RIA_PROVIDER_SLOW_PROCESS_H
#define RIA_PROVIDER_SLOW_PROCESS_H

#include "provider/provider.h"

/* Replaces *err, where rds-iam-fetch or its deadline says that the plan's command was too slow:
 * "file:line: ... the limit; the setting, and the command that has more time". `budget` is the time
 * that there was, milliseconds. Any other error stays as it is. */
void ria_slow_process_explain(
    const struct ria_ask *ask, const struct ria_plan *plan, int64_t budget, struct ria_error *err);

#endif
