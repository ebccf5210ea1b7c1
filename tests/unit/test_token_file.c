/* SPDX-License-Identifier: MIT
 *
 * The names of the AWS CLI's cache files: all of cache_keys.json, by our digests; and the paths of
 * token files that a plan comes to. */
#include "aws/token_file.h"

#include "codec/digest.h"
#include "codec/percent.h"
#include "fake_world.h"
#include "unit.h"
#include "vectors.h"

static void every_key_of_the_vectors_comes_out(void **state)
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

static void a_plan_has_its_token_file(void **state)
{
    (void)state;
    static const struct {
        const char *sentence;
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
        {"SSO's older form",
         RIA_SOURCE_SSO,
         RIA_PLAN_SSO_START_URL,
         "https://x.awsapps.com/start",
         "/home/u/.aws/sso/cache/3947de8b16688092197fa616c34e01335f21d256.json"},
    };
    struct ria_fake fake;
    char path[RIA_PATH_MAX];
    struct ria_error err;
    ria_fake_init(&fake);
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        RIA_AUTO(plan) plan = RIA_PLAN_INIT;
        plan.source = rows[i].source;
        plan.value[rows[i].value] = (struct ria_setting){rows[i].named_after, "/c", 2};
        expect(rows[i].sentence, ria_token_file_path(&fake.world, &plan, path, &err));
        expect_text(rows[i].sentence, path, rows[i].path);
    }
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    plan.source = RIA_SOURCE_SSO;
    plan.value[RIA_PLAN_SSO_SESSION] = (struct ria_setting){"dev", "/c", 2};
    ria_fake_env(&fake, "HOME", "");
    assert_false(ria_token_file_path(&fake.world, &plan, path, &err));
    expect_piece("no HOME", err.text, "/c:2: the token is looked for in ~/.aws, but HOME is not");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_of_the_vectors_comes_out),
        cmocka_unit_test(a_plan_has_its_token_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
