/* SPDX-License-Identifier: MIT
 *
 * A better sentence for a name that is no RDS name: the section to write, with the RDS name that
 * DNS shows for it.
 */
#ifndef RIA_ALIAS_H
#define RIA_ALIAS_H

#include "rds_iam.h"

/* After a refusal with RIA_E_ENDPOINT: where the dialled name is an alias of an RDS name, *err says
 * so instead of what it said. Takes 2 seconds at most, and nothing beyond the deadline. */
void ria_alias_explain(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_error *err);

#endif
