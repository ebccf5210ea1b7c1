/* SPDX-License-Identifier: MIT
 *
 * What a user has written wrongly in AWS's files is named, with its line, in the message that a
 * hook shows, before anything is asked on the network. */
#include "provider/chain.h"

#include "fake_world.h"
#include "provider/memory.h"
#include "unit.h"

#define ROLE "region = eu-west-1\ncredential_source = Environment\nrole_arn = "

static void check(
    const char *sentence, const char *config, const char *credentials, const char *want)
{
    struct ria_fake fake;
    struct ria_trail trail;
    struct ria_error err = {0};
    RIA_AUTO(answer) answer = RIA_ANSWER_INIT;
    ria_memory_clear();
    ria_fake_init(&fake);
    ria_fake_env(&fake, "AWS_EC2_METADATA_DISABLED", "true");
    ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, config);
    ria_fake_file(&fake, RIA_FAKE_AWS_CREDENTIALS, credentials);
    struct ria_ask ask = {
        .world = &fake.world,
        .profile = {"default", "--profile", 0},
        .deadline = ria_deadline_in(&fake.world, RIA_LOGIN_BUDGET_MS)};
    if (strstr(config, "credential_source") != NULL) {
        ria_fake_env(&fake, "AWS_ACCESS_KEY_ID", "AKIA");
        ria_fake_env(&fake, "AWS_SECRET_ACCESS_KEY", "s");
    }
    expect(sentence, ria_chain_find(&ask, &answer, &trail, &err) != RIA_FOUND);
    expect_piece(sentence, err.text, want);
    expect_number(sentence, fake.fetches, 0);
}

static void a_line_that_was_ignored_is_named(void **state)
{
    (void)state;
    check(
        "key: value, alone",
        "[default]\nregion: eu-west-1\naws_access_key_id: A\naws_secret_access_key: s\n",
        "",
        "holds no credentials: " RIA_FAKE_AWS_CONFIG ":2 was ignored: a colon in place of the =");
    check(
        "the half of a pair",
        "",
        "[default]\naws_access_key_id = A\naws_secret_access_key: s\n",
        "credentials:3: the profile \"default\" has no aws_secret_access_key, and this line was "
        "ignored: a colon in place of the =; write key = value");
    check(
        "a secret with an equals sign in it",
        "",
        "[default]\naws_access_key_id = A\naws_secret_access_key: a/b=\n",
        "credentials:3: the profile \"default\" has no aws_secret_access_key, and this line");
    check(
        "a line without its =",
        "[default]\naws_access_key_id A\n[profile b]\nx: y\n",
        "",
        "holds no credentials: " RIA_FAKE_AWS_CONFIG ":2 was ignored: a line without its =");
    check(
        "another profile's line is not named",
        "[profile b]\nx: y\n[default]\nregion = r\n",
        "",
        "[default] holds no credentials");
}

static void what_is_empty_is_named(void **state)
{
    (void)state;
    check(
        "both, as a template has them",
        "",
        "[default]\naws_access_key_id =\naws_secret_access_key =\n",
        "[default] holds no credentials: " RIA_FAKE_AWS_CREDENTIALS
        ":2: aws_access_key_id is empty");
    check(
        "the secret",
        "",
        "[default]\naws_access_key_id = A\naws_secret_access_key = \n",
        "credentials:3: aws_secret_access_key of the profile \"default\" is empty; write it");
    check(
        "the id, in the other file",
        "[default]\naws_access_key_id =\n",
        "[default]\naws_secret_access_key = s\n",
        "config:2: aws_access_key_id of the profile \"default\" is empty");
}

static void an_arn_that_sts_would_not_understand_is_refused_first(void **state)
{
    (void)state;
    static const struct {
        const char *arn;
        const char *want;
    } rows[] = {
        {"\"arn:aws:iam::1:role/r\"", "stands in quotes, which are a part of it; remove them"},
        {"'arn:aws:iam::1:role/r'", "stands in quotes"},
        {"arn:aws:iam::1:\n  role/r", "goes on in the next line; write it in one line"},
        {"arn:aws:iam::{ACCOUNT}:role/r", "holds a placeholder; put the true value in its place"},
        {"arn:aws:iam::<account>:role/r", "holds a placeholder"},
        {"arn:aws:iam::${ACCOUNT}:role/r", "holds a placeholder"},
        {"arn:aws:iam::1:role/ r", "holds a blank; remove it"},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        char config[256];
        (void)snprintf(config, sizeof(config), "[default]\n" ROLE "%s\n", rows[i].arn);
        check(rows[i].arn, config, "", rows[i].want);
        (void)snprintf(
            config,
            sizeof(config),
            "[default]\nregion = r-1\nweb_identity_token_file = /t\nrole_arn = %s\n",
            rows[i].arn);
        check(rows[i].arn, config, "", rows[i].want);
    }
}

static void a_session_token_in_the_other_file_is_named(void **state)
{
    (void)state;
    static const char keys[] = "[default]\naws_access_key_id = ASIAX\naws_secret_access_key = s\n";
    static const char token[] = "[default]\naws_session_token = t\n";
    check(
        "in the config file",
        token,
        keys,
        "credentials:2: the temporary keys of the profile \"default\" (ASIA...) have their session "
        "token in another file, " RIA_FAKE_AWS_CONFIG ":2; put all three into one file");
    check("in the credentials file", keys, token, RIA_FAKE_AWS_CREDENTIALS ":2; put all three");
    check(
        "under its old name",
        keys,
        "[default]\naws_security_token = t\n",
        RIA_FAKE_AWS_CREDENTIALS ":2; put all three");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_that_was_ignored_is_named),
        cmocka_unit_test(what_is_empty_is_named),
        cmocka_unit_test(an_arn_that_sts_would_not_understand_is_refused_first),
        cmocka_unit_test(a_session_token_in_the_other_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
