/* SPDX-License-Identifier: MIT
 *
 * The settings of the login scenarios: a profile in a home directory, and other credentials that no
 * login may use. */
#include "login_walk.h"

#include "scratch.h"
#include "unit.h"

#include <stdlib.h>

#define SECRET "wJalrXUtnFEMI-canary-of-the-secret-key"
#define SESSION "IQoJb3JpZ2luX2VjEHsa-canary-of-the-session-token"

enum {
    NOW = 1787402096, /* 2026-08-22T12:34:56Z */
};

void login_walk_set_up(void)
{
    static const char *const secrets[] = {SECRET, SESSION};
    const char *directory = scratch_directory();
    char home[4096];
    (void)snprintf(home, sizeof(home), "%s/home", directory);
    (void)setenv("HOME", home, 1);
    (void)setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    scratch_clear("home");
    scratch_write("home/.config/rds-iam/config", "[" LOGIN_HOST "]\nprofile = etl\n");
    scratch_write(
        "home/.aws/credentials",
        "[default]\naws_access_key_id = AKIDWRONG\naws_secret_access_key = wrong\n"
        "[etl]\naws_access_key_id = ASIAEXAMPLE\naws_secret_access_key = " SECRET
        "\naws_session_token = " SESSION "\n");
    walk_set_up(directory, NOW, secrets, RIA_COUNT(secrets));
}

void login_walk(const struct walk_scenario *scenario)
{
    static const enum ria_fault_mode modes[] = {
        RIA_FAULT_ONCE, RIA_FAULT_ALL, RIA_FAULT_INTERRUPT, RIA_FAULT_CUT};
    for (size_t i = 0; i < RIA_COUNT(modes); i++) {
        walk_expect_clean(scenario, modes[i]);
    }
}

void login_walk_result(
    struct walk_result *out,
    bool has_sent,
    bool expects_refusal,
    const char *sent,
    const char *error)
{
    out->has_succeeded = expects_refusal ? !has_sent && error[0] != '\0' : has_sent;
    (void)snprintf(out->token, sizeof(out->token), "%s", sent);
    (void)snprintf(out->message, sizeof(out->message), "%s", error);
}
