/* SPDX-License-Identifier: MIT
 *
 * A successful login, for tests of ria_token_for(): a world with keys in its environment, the login
 * request, and the call.
 */
#ifndef RIA_UNIT_LOGIN_H
#define RIA_UNIT_LOGIN_H

#include "rds_iam.h"

#include "fake_world.h"

#define RIA_LOGIN_HOST "db.abc.eu-west-1.rds.amazonaws.com"

/* A login request for RIA_LOGIN_HOST, port 3306 and user etl, over a verified channel. */
extern const struct ria_login ria_login_good;

/* Sets up a world with the keys AKIDEXAMPLE and, if `config` is not NULL, with this text as
 * rds-iam's configuration file. */
void ria_login_world(struct ria_fake *fake, const char *config);

/* Calls ria_token_for() with the time limit of a login. */
enum ria_outcome ria_login_ask(
    struct ria_fake *fake,
    const struct ria_login *login,
    struct ria_token *token,
    struct ria_error *err);

#endif
