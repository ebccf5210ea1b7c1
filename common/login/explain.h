/* SPDX-License-Identifier: MIT
 *
 * What a person is told by rds-iam credentials --explain: which sources were asked, what was chosen
 * and where it was read, and whose credentials came of it. Lines of text, and no secret in them: of
 * a command, a token file or an external id only the place is told.
 */
#ifndef RIA_EXPLAIN_H
#define RIA_EXPLAIN_H

#include "login/resolve.h"
#include "provider/chain.h"

/* What was chosen before any source was asked. */
void ria_explain_login(
    const struct ria_login *login,
    const struct ria_query *query,
    const struct ria_resolved *resolved,
    struct ria_buf *out);

/* Each source that was asked, and its answer. */
void ria_explain_trail(const struct ria_trail *trail, struct ria_buf *out);

/* The settings of the plan that was chosen: its source, its roles from the first to the last. */
void ria_explain_plan(
    const struct ria_world *world, const struct ria_plan *plan, struct ria_buf *out);

/* What came of it, and by which road. */
void ria_explain_response(
    const struct ria_world *world,
    const struct ria_plan *plan,
    enum ria_origin origin,
    const struct ria_response *response,
    struct ria_buf *out);

#endif
