/* SPDX-License-Identifier: MIT
 *
 * A login that works, for tests of the one call: a world with keys in its environment, what is
 * dialled in it, and the call.
 */
#ifndef RIA_UNIT_LOGIN_H
#define RIA_UNIT_LOGIN_H

#include "rds_iam.h"

#include "fake_world.h"

#define RIA_LOGIN_HOST "db.abc.eu-west-1.rds.amazonaws.com"

/* Port 3306, user etl, over a verified channel. */
extern const struct ria_login ria_login_good;

/* Keys AKIDEXAMPLE and, if given, our configuration. */
void ria_login_world(struct ria_fake *fake, const char *config);

/* ria_token_for() with the budget of a login. */
enum ria_outcome ria_login_ask(
    struct ria_fake *fake,
    const struct ria_login *login,
    struct ria_token *token,
    struct ria_error *err);

#endif
