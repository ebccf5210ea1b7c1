/* SPDX-License-Identifier: MIT
 *
 * The names of the AWS CLI's cache files: the product computes the digest of each row of
 * cache_keys.json. Also the token file paths of a plan. */
#include "fetch/token_file.h"

#include "fetch/cli_cache.h"

#include "codec/digest.h"
#include "codec/percent.h"
#include "fake_world.h"
#include "unit.h"
#include "vectors.h"

static void every_cache_key_of_the_vectors_is_reproduced(void **state)
{
    (void)state;
    json_t *root = ria_vectors_load("cache_keys.json");
    json_t *rows = json_object_get(root, "cases");
    size_t i;
    json_t *row;
    assert_int_equal(json_array_size(rows), 11);
    json_array_foreach(rows, i, row)
    {
        const char *input = ria_vector_need(row, "input");
        bool is_sha1 = strcmp(ria_vector_need(row, "algorithm"), "sha1") == 0;
        uint8_t digest[RIA_SHA256_LEN];
        struct ria_error err;
        RIA_AUTO(buf) hex = {.max = 2 * sizeof(digest)};
        expect(
            input,
            is_sha1 ? ria_sha1(input, strlen(input), digest, &err)
                    : ria_sha256(input, strlen(input), digest, &err));
        ria_hex_add(&hex, digest, is_sha1 ? RIA_SHA1_LEN : RIA_SHA256_LEN);
        expect_text(input, ria_buf_text(&hex), ria_vector_need(row, "key"));
    }
    json_decref(root);
}

/* Returns the text whose digest is the key of this row of the vectors. */
static const char *find_input(const json_t *root, const char *name)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(root, "cases"), i, row)
    {
        if (strcmp(ria_vector_need(row, "name"), name) == 0) {
            return ria_vector_need(row, "input");
        }
    }
    fail_msg("the vectors have no %s", name);
    return NULL;
}

static void roles_give_the_texts_of_the_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_web_identity;
        struct ria_role role;
    } rows[] = {
#define FOO [RIA_ROLE_ARN] = {"arn:aws:iam::123456789012:role/Foo", "c", 1}
        {"assume-role default session", false, {.value = {FOO}}},
        {"assume-role default session",
         false,
         {.value = {FOO, [RIA_ROLE_SESSION_NAME] = {"rds-iam", NULL, 0}}}},
        {"with session name", false, {.value = {FOO, [RIA_ROLE_SESSION_NAME] = {"me", "c", 2}}}},
        {"ext+mfa+duration",
         false,
         {.value =
              {FOO,
               [RIA_ROLE_SESSION_NAME] = {"me", "c", 2},
               [RIA_ROLE_EXTERNAL_ID] = {"x", "c", 2},
               [RIA_ROLE_DURATION] = {"3600", "c", 2},
               [RIA_ROLE_MFA_SERIAL] = {"arn:aws:iam::1:mfa/u", "c", 2}},
          .duration = 3600}},
        {"non-ascii external id",
         false,
         {.value = {FOO, [RIA_ROLE_EXTERNAL_ID] = {"\xc3\xa9/\xc3\xbc", "c", 2}}}},
        {"web identity", true, {.value = {FOO, [RIA_ROLE_DURATION] = {"900", "c", 2}}}},
    };
    json_t *root = ria_vectors_load("cache_keys.json");
    for_each_row(row, rows, row->name) {
        RIA_AUTO(buf) text = {.max = 1024};
        expect(row->name, ria_cli_cache_role_text(&row->role, row->is_web_identity, &text));
        expect_text(row->name, ria_buf_text(&text), find_input(root, row->name));
    }
    json_decref(root);
    RIA_AUTO(buf) text = {.max = 1024};
    const struct ria_role tagged = {.value = {FOO, [RIA_ROLE_TAGS] = {"a=b", "c", 2}}};
    assert_false(ria_cli_cache_role_text(&tagged, false, &text));
}

static void sso_roles_give_the_texts_of_the_vectors(void **state)
{
    (void)state;
    json_t *root = ria_vectors_load("cache_keys.json");
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    plan.source = RIA_SOURCE_SSO;
    plan.value[RIA_PLAN_SSO_ACCOUNT_ID].value = "123456789012";
    plan.value[RIA_PLAN_SSO_ROLE_NAME].value = "R";
    plan.value[RIA_PLAN_SSO_START_URL].value = "https://x.awsapps.com/start";
    RIA_AUTO(buf) legacy = {.max = 1024};
    ria_cli_cache_sso_text(&plan, &legacy);
    expect_text("legacy", ria_buf_text(&legacy), find_input(root, "sso creds legacy"));
    plan.value[RIA_PLAN_SSO_SESSION].value = "dev";
    RIA_AUTO(buf) session = {.max = 1024};
    ria_cli_cache_sso_text(&plan, &session);
    expect_text("session", ria_buf_text(&session), find_input(root, "sso creds session"));
    json_decref(root);
}

static void texts_are_escaped_as_in_python(void **state)
{
    (void)state;
    const struct ria_role role = {
        .value = {[RIA_ROLE_ARN] = {"\"\\\n\r\t\b\f\x01\x7f/~\xf0\x9f\x98\x80", "c", 1}}};
    RIA_AUTO(buf) text = {.max = 1024};
    assert_true(ria_cli_cache_role_text(&role, false, &text));
    assert_string_equal(
        text.data, "{\"RoleArn\": \"\\\"\\\\\\n\\r\\t\\b\\f\\u0001\\u007f/~\\ud83d\\ude00\"}");
}

static void each_session_determines_its_token_file(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum ria_source source;
        enum ria_plan_value value;
        const char *named_after;
        const char *path;
    } rows[] = {
        {"an SSO session",
         RIA_SOURCE_SSO,
         RIA_PLAN_SSO_SESSION,
         "dev",
         "/home/u/.aws/sso/cache/34c6fceca75e456f25e7e99531e2425c6c1de443.json"},
        {"an aws login",
         RIA_SOURCE_LOGIN,
         RIA_PLAN_LOGIN_SESSION,
         "arn:aws:sts::012345678910:assumed-role/Admin/admin",
         "/l/4b0ba8f99f075c0633e122fd73346ce203a3faf18ea0310eb2d29df1bab2e255.json"},
        {"SSO's legacy form",
         RIA_SOURCE_SSO,
         RIA_PLAN_SSO_START_URL,
         "https://x.awsapps.com/start",
         "/home/u/.aws/sso/cache/3947de8b16688092197fa616c34e01335f21d256.json"},
    };
    struct ria_fake fake;
    char path[RIA_PATH_MAX];
    struct ria_error err;
    ria_fake_init(&fake);
    for_each_row(row, rows, row->name) {
        RIA_AUTO(plan) plan = RIA_PLAN_INIT;
        plan.source = row->source;
        plan.value[RIA_PLAN_LOGIN_DIRECTORY].value = "/l";
        plan.value[row->value] = (struct ria_setting){row->named_after, "/c", 2};
        expect(row->name, ria_token_file_path(&fake.world, &plan, path, &err));
        expect_text(row->name, path, row->path);
    }
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    plan.source = RIA_SOURCE_SSO;
    plan.value[RIA_PLAN_SSO_SESSION] = (struct ria_setting){"dev", "/c", 2};
    ria_fake_env(&fake, "HOME", "");
    assert_false(ria_token_file_path(&fake.world, &plan, path, &err));
    expect_piece(
        "no HOME", err.text, "/c:2: the token file is in ~/.aws/sso/cache, but HOME is not");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cache_key_of_the_vectors_is_reproduced),
        cmocka_unit_test(roles_give_the_texts_of_the_vectors),
        cmocka_unit_test(sso_roles_give_the_texts_of_the_vectors),
        cmocka_unit_test(texts_are_escaped_as_in_python),
        cmocka_unit_test(each_session_determines_its_token_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
