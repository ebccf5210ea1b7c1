/* SPDX-License-Identifier: MIT
 *
 * Writes the output of rds-iam credentials --explain: the sources that were tried, the settings
 * that were chosen and where they were read, and the identity of the credentials. Each line is a
 * label and a value. No line contains a secret. For a command, a token file or an external id, a
 * line shows only where the setting was read.
 *
 * Each function appends its lines to *out. If the text is too long or memory runs out, the function
 * sets out->failed.
 */
#ifndef RIA_EXPLAIN_H
#define RIA_EXPLAIN_H

#include "login/resolve.h"
#include "provider/chain.h"

/* Appends the database, its region, and the profile. All three are chosen before any source is
 * tried. */
void ria_explain_login(
    const struct ria_login *login,
    const struct ria_query *query,
    const struct ria_resolved *resolved,
    struct ria_buf *out);

/* Appends each source that was tried, and its outcome. */
void ria_explain_trail(const struct ria_trail *trail, struct ria_buf *out);

/* Appends the settings of the plan: its source, then its roles in the order in which they are
 * assumed. */
void ria_explain_plan(
    const struct ria_world *world, const struct ria_plan *plan, struct ria_buf *out);

/* Appends where the credentials were read or obtained, their identity, and when they expire. */
void ria_explain_response(
    const struct ria_world *world,
    const struct ria_plan *plan,
    enum ria_origin origin,
    const struct ria_response *response,
    struct ria_buf *out);

#endif
