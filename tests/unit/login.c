/* SPDX-License-Identifier: MIT
 *
 * The world, the login request and the call of a successful login. */
#include "login.h"

const struct ria_login ria_login_good = {
    .host = RIA_LOGIN_HOST, .port = 3306, .user = "etl", .channel = RIA_CHANNEL_VERIFIED};

void ria_login_world(struct ria_fake *fake, const char *config)
{
    ria_fake_init(fake);
    ria_fake_env(fake, "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    ria_fake_env(fake, "AWS_SECRET_ACCESS_KEY", "secret");
    if (config != NULL) {
        ria_fake_file(fake, RIA_FAKE_CONFIG, config);
    }
}

enum ria_outcome ria_login_ask(
    struct ria_fake *fake,
    const struct ria_login *login,
    struct ria_token *token,
    struct ria_error *err)
{
    *err = (struct ria_error){0};
    struct ria_deadline deadline = ria_deadline_in(&fake->world, RIA_LOGIN_BUDGET_MS);
    return ria_token_for(login, deadline, &fake->world, token, err);
}
