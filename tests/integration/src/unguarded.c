/* SPDX-License-Identifier: MIT
 *
 * Linked into a copy of a plugin, with --wrap: treats every connection as verified. So a hostile
 * server gets a token from the copy. This is the control of the tests in which such a server gets
 * no token. */
#include "rds_iam.h"

struct ria_mariadb;

enum ria_outcome __real_ria_token_for(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_token *token,
    struct ria_error *err);
enum ria_outcome __wrap_ria_token_for(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_token *token,
    struct ria_error *err);
enum ria_channel __wrap_ria_mariadb_channel(struct ria_mariadb *mysql, const char **remedy);

enum ria_outcome __wrap_ria_token_for(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_token *token,
    struct ria_error *err)
{
    struct ria_login verified = *login;
    verified.channel = RIA_CHANNEL_VERIFIED;
    return __real_ria_token_for(&verified, deadline, world, token, err);
}

/* The MariaDB plugin checks the connection before it asks for a token. */
enum ria_channel __wrap_ria_mariadb_channel(struct ria_mariadb *mysql, const char **remedy)
{
    (void)mysql;
    *remedy = "";
    return RIA_CHANNEL_VERIFIED;
}
