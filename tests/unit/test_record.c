/* SPDX-License-Identifier: MIT
 *
 * Records, and the questions and answers that are written in them: what goes in comes out, and
 * nothing that is cut, stretched or changed is taken for whole. */
#include "provider/answer.h"
#include "provider/cache_name.h"
#include "provider/question.h"
#include "unit.h"

static void fields_come_out_as_they_went_in(void **state)
{
    (void)state;
    RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
    ria_record_begin(&bytes, RIA_RECORD_ANSWER);
    ria_record_add_text(&bytes, 1, "text");
    ria_record_add_text(&bytes, 0x201, "");
    ria_record_add(&bytes, 3, "a\0b", 3);
    ria_record_add_number(&bytes, 4, -2);
    ria_record_end(&bytes);
    struct ria_record record;
    struct ria_record_field field;
    int64_t number = 0;
    assert_true(ria_record_open(&bytes, RIA_RECORD_ANSWER, &record));
    assert_true(ria_record_next(&record, &field));
    assert_string_equal(ria_record_text(&field), "text");
    assert_false(ria_record_number(&field, &number));
    assert_true(ria_record_next(&record, &field));
    assert_int_equal(field.tag, 0x201);
    assert_string_equal(ria_record_text(&field), "");
    assert_true(ria_record_next(&record, &field));
    assert_null(ria_record_text(&field));
    assert_true(ria_record_next(&record, &field));
    assert_true(ria_record_number(&field, &number));
    assert_int_equal(number, -2);
    assert_false(ria_record_next(&record, &field));
    assert_false(ria_record_open(&bytes, RIA_RECORD_QUESTION, &record));
}

static void a_record_that_is_too_long_is_a_failure(void **state)
{
    (void)state;
    static char text[RIA_RECORD_MAX];
    RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
    ria_record_begin(&bytes, RIA_RECORD_ANSWER);
    ria_record_add(&bytes, 1, text, sizeof(text));
    ria_record_end(&bytes);
    assert_null(ria_buf_text(&bytes));
}

static void write_answer(struct ria_buf *out)
{
    RIA_AUTO(answer) answer = RIA_ANSWER_INIT;
    answer.outcome = RIA_FOUND;
    ria_buf_add_text(&answer.credentials.access_key_id, "ASIA");
    ria_buf_add_text(&answer.credentials.secret_access_key, "secret");
    ria_buf_add_text(&answer.credentials.session_token, "token");
    answer.credentials.expires = 1787402096;
    (void)snprintf(answer.credentials.source, sizeof(answer.credentials.source), "role r");
    (void)snprintf(answer.identity, sizeof(answer.identity), "arn:x");
    answer.offset = (struct ria_clock_offset){.seconds = -600, .boot_id = "b", .real_minus_raw = 7};
    ria_answer_warn(&answer, "mind %s", "this");
    ria_answer_write(&answer, out);
}

static void an_answer_comes_out_as_it_went_in(void **state)
{
    (void)state;
    RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
    RIA_AUTO(answer) answer = RIA_ANSWER_INIT;
    write_answer(&bytes);
    assert_true(ria_answer_read(&bytes, &answer));
    assert_int_equal(answer.outcome, RIA_FOUND);
    assert_string_equal(answer.credentials.secret_access_key.data, "secret");
    assert_int_equal(answer.credentials.expires, 1787402096);
    assert_string_equal(answer.credentials.source, "role r");
    assert_string_equal(answer.identity, "arn:x");
    assert_int_equal(answer.offset.seconds, -600);
    assert_string_equal(answer.offset.boot_id, "b");
    assert_string_equal(answer.warnings[0], "mind this");
    answer.outcome = RIA_FAILED;
    (void)ria_fail(&answer.err, RIA_E_MFA, "no");
    ria_answer_write(&answer, &bytes);
    assert_true(ria_answer_read(&bytes, &answer));
    assert_int_equal(answer.err.code, RIA_E_MFA);
    assert_string_equal(answer.err.text, "no");
    assert_int_equal(answer.credentials.secret_access_key.len, 0);
}

/* Each prefix, each record with one byte more, and each single byte changed to 0xff or 0. A changed
 * byte may stand in a text, where nobody can see it; what must not happen is a crash. */
static void a_damaged_answer_is_no_answer(void **state)
{
    (void)state;
    RIA_AUTO(buf) whole = {.max = RIA_RECORD_MAX};
    write_answer(&whole);
    for (size_t len = 0; len < whole.len; len++) {
        RIA_AUTO(buf) cut = {.max = RIA_RECORD_MAX};
        RIA_AUTO(answer) answer = RIA_ANSWER_INIT;
        ria_buf_add(&cut, whole.data, len);
        assert_false(ria_answer_read(&cut, &answer));
        assert_int_equal(answer.credentials.secret_access_key.len, 0);
    }
    for (size_t at = 0; at < whole.len; at++) {
        for (int value = 0; value <= 0xff; value += 0xff) {
            RIA_AUTO(buf) changed = {.max = RIA_RECORD_MAX};
            RIA_AUTO(answer) answer = RIA_ANSWER_INIT;
            ria_buf_add(&changed, whole.data, whole.len);
            changed.data[at] = (char)value;
            bool taken = ria_answer_read(&changed, &answer);
            assert_true(taken || answer.credentials.secret_access_key.len == 0);
        }
    }
    ria_buf_add_char(&whole, 'x');
    RIA_AUTO(answer) answer = RIA_ANSWER_INIT;
    assert_false(ria_answer_read(&whole, &answer));
}

static void fill_plan(struct ria_plan *plan)
{
    plan->source = RIA_SOURCE_KEYS;
    (void)snprintf(plan->label, sizeof(plan->label), "profile x");
    ria_buf_add_text(&plan->keys.access_key_id, "AKIA");
    ria_buf_add_text(&plan->keys.secret_access_key, "secret");
    plan->value[RIA_PLAN_CA_BUNDLE] = (struct ria_setting){"/ca", "AWS_CA_BUNDLE", 0};
    plan->roles[0].value[RIA_ROLE_ARN] = (struct ria_setting){"arn:1", "/f", 3};
    plan->roles[0].value[RIA_ROLE_REGION] = (struct ria_setting){"us-east-1", "/f", 4};
    plan->roles[1].value[RIA_ROLE_ARN] = (struct ria_setting){"arn:2", NULL, 0};
    plan->roles[1].value[RIA_ROLE_REGION] = (struct ria_setting){"eu-west-1", "/f", 9};
    plan->role_count = 2;
}

static void a_question_comes_out_as_it_went_in(void **state)
{
    (void)state;
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
    RIA_AUTO(question) question = RIA_QUESTION_INIT;
    struct ria_error err;
    fill_plan(&plan);
    assert_true(ria_question_write(&plan, 9000, "/d", "name", &bytes, &err));
    assert_true(ria_question_read(&bytes, &question));
    assert_int_equal(question.budget, 9000);
    assert_string_equal(question.cache_directory, "/d");
    assert_string_equal(question.plan.label, "profile x");
    assert_string_equal(question.plan.keys.secret_access_key.data, "secret");
    assert_string_equal(question.plan.value[RIA_PLAN_CA_BUNDLE].value, "/ca");
    assert_string_equal(question.plan.value[RIA_PLAN_CA_BUNDLE].path, "AWS_CA_BUNDLE");
    assert_null(question.plan.value[RIA_PLAN_STS_URL].value);
    assert_int_equal(question.plan.role_count, 2);
    assert_int_equal(question.plan.roles[0].value[RIA_ROLE_ARN].line, 3);
    assert_string_equal(question.plan.roles[1].value[RIA_ROLE_REGION].value, "eu-west-1");
    assert_null(question.plan.roles[0].value[RIA_ROLE_EXTERNAL_ID].value);
}

static bool is_taken(const struct ria_plan *plan)
{
    RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
    RIA_AUTO(question) question = RIA_QUESTION_INIT;
    struct ria_error err;
    assert_true(ria_question_write(plan, 9000, NULL, NULL, &bytes, &err));
    return ria_question_read(&bytes, &question);
}

/* rds-iam-fetch goes by what is there, and looks for no NULL in it. */
static void a_question_that_lacks_what_its_source_needs_is_none(void **state)
{
    (void)state;
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    assert_false(is_taken(&plan)); /* no keys */
    fill_plan(&plan);
    assert_true(is_taken(&plan));
    plan.roles[1].value[RIA_ROLE_REGION].value = NULL;
    assert_false(is_taken(&plan));
    plan.role_count = 1;
    assert_true(is_taken(&plan));
    for (int source = RIA_SOURCE_WEB_IDENTITY; source < RIA_SOURCES; source++) {
        plan.source = (enum ria_source)source;
        assert_false(is_taken(&plan));
    }
    plan.value[RIA_PLAN_WEB_IDENTITY_TOKEN_FILE].value = "/t";
    plan.source = RIA_SOURCE_WEB_IDENTITY;
    assert_true(is_taken(&plan));
    plan.role_count = 0;
    assert_false(is_taken(&plan));
}

static void half_a_pair_of_keys_is_no_question(void **state)
{
    (void)state;
    RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
    RIA_AUTO(question) question = RIA_QUESTION_INIT;
    ria_record_begin(&bytes, RIA_RECORD_QUESTION);
    ria_record_add_number(&bytes, 0x400, 100);
    ria_record_add_number(&bytes, 1, RIA_SOURCE_KEYS);
    ria_record_add_text(&bytes, 3, "AKIA");
    ria_record_end(&bytes);
    assert_false(ria_question_read(&bytes, &question));
}

static void what_decides_the_identity_decides_the_name(void **state)
{
    (void)state;
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    RIA_AUTO(buf) evidence = {.max = 16};
    struct ria_error err;
    char first[RIA_CACHE_NAME_SIZE];
    char name[RIA_CACHE_NAME_SIZE];
    fill_plan(&plan);
    assert_true(ria_cache_name(&plan, NULL, NULL, first, &err));
    plan.value[RIA_PLAN_CA_BUNDLE].value = "/other";
    assert_true(ria_cache_name(&plan, NULL, NULL, name, &err));
    assert_string_equal(name, first);
    assert_true(ria_cache_name(&plan, "host", NULL, name, &err));
    assert_string_not_equal(name, first);
    ria_buf_add_text(&evidence, "token");
    assert_true(ria_cache_name(&plan, NULL, &evidence, name, &err));
    assert_string_not_equal(name, first);
    for (unsigned i = 0; i < RIA_ROLE_VALUES; i++) {
        struct ria_setting before = plan.roles[0].value[i];
        plan.roles[0].value[i].value = "another";
        assert_true(ria_cache_name(&plan, NULL, NULL, name, &err));
        assert_string_not_equal(name, first);
        plan.roles[0].value[i] = before;
    }
    static const enum ria_plan_value identifying[] = {
        RIA_PLAN_PROCESS, RIA_PLAN_CONTAINER_URI, RIA_PLAN_CONTAINER_TOKEN, RIA_PLAN_STS_URL};
    for (size_t i = 0; i < RIA_COUNT(identifying); i++) {
        plan.value[identifying[i]].value = "another";
        assert_true(ria_cache_name(&plan, NULL, NULL, name, &err));
        assert_string_not_equal(name, first);
        plan.value[identifying[i]].value = NULL;
    }
    ria_buf_add_text(&plan.keys.access_key_id, "X");
    assert_true(ria_cache_name(&plan, NULL, NULL, name, &err));
    assert_string_not_equal(name, first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_come_out_as_they_went_in),
        cmocka_unit_test(a_record_that_is_too_long_is_a_failure),
        cmocka_unit_test(an_answer_comes_out_as_it_went_in),
        cmocka_unit_test(a_damaged_answer_is_no_answer),
        cmocka_unit_test(a_question_comes_out_as_it_went_in),
        cmocka_unit_test(a_question_that_lacks_what_its_source_needs_is_none),
        cmocka_unit_test(half_a_pair_of_keys_is_no_question),
        cmocka_unit_test(what_decides_the_identity_decides_the_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
