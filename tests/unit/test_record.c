/* SPDX-License-Identifier: MIT
 *
 * Records, and the requests and responses that they encode. A round trip preserves every field. A
 * truncated or extended record is rejected. A record with a changed byte gives no credentials if it
 * is rejected. It may be accepted, because a changed byte inside a value cannot be detected. */
#include "provider/answer_record.h"
#include "provider/cache_name.h"
#include "provider/request.h"
#include "provider/response.h"
#include "unit.h"

static void fields_survive_a_round_trip(void **state)
{
    (void)state;
    RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
    ria_record_begin(&bytes, RIA_RECORD_RESPONSE);
    ria_record_add_text(&bytes, 1, "text");
    ria_record_add_text(&bytes, 0x201, "");
    ria_record_add(&bytes, 3, "a\0b", 3);
    ria_record_add_number(&bytes, 4, -2);
    ria_record_end(&bytes);
    struct ria_record record;
    struct ria_record_field field;
    int64_t number = 0;
    assert_true(ria_record_open(&bytes, RIA_RECORD_RESPONSE, &record));
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
    assert_false(ria_record_open(&bytes, RIA_RECORD_REQUEST, &record));
}

/* The length of the record is correct, and the last field is shorter than a field's header. */
static void a_field_without_its_whole_header_is_rejected(void **state)
{
    (void)state;
    struct ria_record record;
    for (size_t extra = 0; extra < 6; extra++) {
        RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
        ria_record_begin(&bytes, RIA_RECORD_RESPONSE);
        ria_record_add_text(&bytes, 1, "text");
        ria_buf_add(&bytes, "\0\1\0\0\0\0", extra);
        ria_record_end(&bytes);
        assert_int_equal(ria_record_open(&bytes, RIA_RECORD_RESPONSE, &record), extra == 0);
    }
}

static void a_record_that_is_too_long_is_rejected(void **state)
{
    (void)state;
    static char text[RIA_RECORD_MAX];
    RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
    ria_record_begin(&bytes, RIA_RECORD_RESPONSE);
    ria_record_add(&bytes, 1, text, sizeof(text));
    ria_record_end(&bytes);
    assert_null(ria_buf_text(&bytes));
}

static void write_response(struct ria_buf *out)
{
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    response.outcome = RIA_FOUND;
    ria_buf_add_text(&response.credentials.access_key_id, "ASIA");
    ria_buf_add_text(&response.credentials.secret_access_key, "secret");
    ria_buf_add_text(&response.credentials.session_token, "token");
    response.credentials.expires = 1787402096;
    (void)snprintf(response.credentials.source, sizeof(response.credentials.source), "role r");
    (void)snprintf(response.identity, sizeof(response.identity), "arn:x");
    response.offset =
        (struct ria_clock_offset){.seconds = -600, .boot_id = "b", .real_minus_raw = 7};
    ria_response_warn(&response, "mind %s", "this");
    ria_response_write(&response, out);
}

static void a_response_survives_a_round_trip(void **state)
{
    (void)state;
    RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    write_response(&bytes);
    assert_true(ria_response_read(&bytes, &response));
    assert_int_equal(response.outcome, RIA_FOUND);
    assert_string_equal(response.credentials.secret_access_key.data, "secret");
    assert_int_equal(response.credentials.expires, 1787402096);
    assert_string_equal(response.credentials.source, "role r");
    assert_string_equal(response.identity, "arn:x");
    assert_int_equal(response.offset.seconds, -600);
    assert_string_equal(response.offset.boot_id, "b");
    assert_string_equal(response.warnings[0], "mind this");
    response.outcome = RIA_FAILED;
    (void)ria_fail(&response.err, RIA_E_MFA, "no");
    ria_response_write(&response, &bytes);
    assert_true(ria_response_read(&bytes, &response));
    assert_int_equal(response.err.code, RIA_E_MFA);
    assert_string_equal(response.err.text, "no");
    assert_int_equal(response.credentials.secret_access_key.len, 0);
}

/* Each prefix, and the record with one additional byte. */
static void a_truncated_or_extended_response_is_rejected(void **state)
{
    (void)state;
    RIA_AUTO(buf) whole = {.max = RIA_RECORD_MAX};
    write_response(&whole);
    for (size_t len = 0; len < whole.len; len++) {
        RIA_AUTO(buf) cut = {.max = RIA_RECORD_MAX};
        RIA_AUTO(response) response = RIA_RESPONSE_INIT;
        ria_buf_add(&cut, whole.data, len);
        assert_false(ria_response_read(&cut, &response));
        assert_int_equal(response.credentials.secret_access_key.len, 0);
    }
    ria_buf_add_char(&whole, 'x');
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    assert_false(ria_response_read(&whole, &response));
}

/* Each byte is changed to 0 and to 0xff. A changed byte inside a value cannot be detected. */
static void a_changed_response_gives_no_credentials_or_is_accepted(void **state)
{
    (void)state;
    RIA_AUTO(buf) whole = {.max = RIA_RECORD_MAX};
    write_response(&whole);
    for (size_t at = 0; at < whole.len; at++) {
        for (int value = 0; value <= 0xff; value += 0xff) {
            RIA_AUTO(buf) changed = {.max = RIA_RECORD_MAX};
            RIA_AUTO(response) response = RIA_RESPONSE_INIT;
            ria_buf_add(&changed, whole.data, whole.len);
            changed.data[at] = (char)value;
            bool is_accepted = ria_response_read(&changed, &response);
            assert_true(is_accepted || response.credentials.secret_access_key.len == 0);
        }
    }
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

static void a_request_survives_a_round_trip(void **state)
{
    (void)state;
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
    RIA_AUTO(request) request = RIA_REQUEST_INIT;
    struct ria_error err;
    fill_plan(&plan);
    assert_true(ria_request_write(&plan, 9000, "/d", "name", &bytes, &err));
    assert_true(ria_request_read(&bytes, &request));
    assert_int_equal(request.budget, 9000);
    assert_string_equal(request.cache_directory, "/d");
    assert_string_equal(request.plan.label, "profile x");
    assert_string_equal(request.plan.keys.secret_access_key.data, "secret");
    assert_string_equal(request.plan.value[RIA_PLAN_CA_BUNDLE].value, "/ca");
    assert_string_equal(request.plan.value[RIA_PLAN_CA_BUNDLE].path, "AWS_CA_BUNDLE");
    assert_null(request.plan.value[RIA_PLAN_STS_URL].value);
    assert_int_equal(request.plan.role_count, 2);
    assert_int_equal(request.plan.roles[0].value[RIA_ROLE_ARN].line, 3);
    assert_string_equal(request.plan.roles[1].value[RIA_ROLE_REGION].value, "eu-west-1");
    assert_null(request.plan.roles[0].value[RIA_ROLE_EXTERNAL_ID].value);
}

static bool plan_is_accepted(const struct ria_plan *plan)
{
    RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
    RIA_AUTO(request) request = RIA_REQUEST_INIT;
    struct ria_error err;
    assert_true(ria_request_write(plan, 9000, NULL, NULL, &bytes, &err));
    return ria_request_read(&bytes, &request);
}

/* rds-iam-fetch uses the keys, the regions of the roles, and the settings that a source requires,
 * without checking them for NULL. */
static void a_request_without_a_required_field_is_rejected(void **state)
{
    (void)state;
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    assert_false(plan_is_accepted(&plan)); /* no keys */
    fill_plan(&plan);
    assert_true(plan_is_accepted(&plan));
    plan.roles[1].value[RIA_ROLE_REGION].value = NULL;
    assert_false(plan_is_accepted(&plan));
    plan.role_count = 1;
    assert_true(plan_is_accepted(&plan));
    for (int source = RIA_SOURCE_WEB_IDENTITY; source < RIA_SOURCES; source++) {
        plan.source = (enum ria_source)source;
        assert_false(plan_is_accepted(&plan));
    }
    plan.value[RIA_PLAN_WEB_IDENTITY_TOKEN_FILE].value = "/t";
    plan.source = RIA_SOURCE_WEB_IDENTITY;
    assert_true(plan_is_accepted(&plan));
    plan.role_count = 0;
    assert_false(plan_is_accepted(&plan));
}

/* The tags of these fields in provider/request.c. */
enum {
    TAG_SOURCE = 1,
    TAG_ACCESS_KEY_ID = 3,
    TAG_SECRET_ACCESS_KEY = 4,
    TAG_BUDGET = 0x400,
};

static void a_request_with_half_a_key_pair_is_rejected(void **state)
{
    (void)state;
    for (int has_secret = 0; has_secret <= 1; has_secret++) {
        RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
        RIA_AUTO(request) request = RIA_REQUEST_INIT;
        ria_record_begin(&bytes, RIA_RECORD_REQUEST);
        ria_record_add_number(&bytes, TAG_BUDGET, 100);
        ria_record_add_number(&bytes, TAG_SOURCE, RIA_SOURCE_KEYS);
        ria_record_add_text(&bytes, TAG_ACCESS_KEY_ID, "AKIA");
        if (has_secret) {
            ria_record_add_text(&bytes, TAG_SECRET_ACCESS_KEY, "secret");
        }
        ria_record_end(&bytes);
        expect_number("the request is accepted", ria_request_read(&bytes, &request), has_secret);
    }
}

/* A question of `rds-iam check --aws` to AWS (provider/answer_record.h): its request has the keys,
 * a region and a name, but no role. */
static void an_incomplete_question_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        const char *region;
        const char *name;
        size_t role_count;
        bool is_accepted;
    } rows[] = {
        {"complete", "us-east-1", "db", 0, true},
        {"no region", NULL, "db", 0, false},
        {"no name", "us-east-1", NULL, 0, false},
        {"a role", "us-east-1", "db", 1, false},
    };
    for_each_row(row, rows, row->why) {
        RIA_AUTO(plan) plan = RIA_PLAN_INIT;
        RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
        RIA_AUTO(request) request = RIA_REQUEST_INIT;
        struct ria_error err;
        fill_plan(&plan);
        plan.role_count = row->role_count;
        plan.value[RIA_PLAN_QUESTION].value = "rds:DescribeDBInstances";
        plan.value[RIA_PLAN_QUESTION_REGION].value = row->region;
        plan.value[RIA_PLAN_QUESTION_NAME].value = row->name;
        assert_true(ria_request_write(&plan, 9000, NULL, NULL, &bytes, &err));
        expect_number(row->why, ria_request_read(&bytes, &request), row->is_accepted);
    }
}

static void an_answer_survives_a_round_trip(void **state)
{
    (void)state;
    static const enum ria_answer_kind refused[] = {
        RIA_ANSWER_NONE, RIA_ANSWER_NOT_PERMITTED, RIA_ANSWER_NOT_FOUND};
    RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
    struct ria_answer answer = {.kind = RIA_ANSWER_GIVEN};
    struct ria_answer read;
    struct ria_error err = {.code = RIA_E_CREDENTIALS, .text = "RDS rejects it"};
    for (unsigned i = 0; i < RIA_ANSWER_TEXTS; i++) {
        (void)snprintf(answer.text[i], RIA_ANSWER_SIZE, "text %u", i);
    }
    ria_answer_write(&answer, NULL, &bytes);
    assert_true(ria_answer_read(&bytes, &read, &err));
    assert_int_equal(read.kind, RIA_ANSWER_GIVEN);
    for (unsigned i = 0; i < RIA_ANSWER_TEXTS; i++) {
        assert_string_equal(read.text[i], answer.text[i]);
    }
    for (size_t i = 0; i < RIA_COUNT(refused); i++) {
        struct ria_error found;
        answer.kind = refused[i];
        ria_answer_write(&answer, &err, &bytes);
        assert_false(ria_answer_read(&bytes, &read, &found));
        assert_int_equal(read.kind, refused[i]);
        assert_string_equal(found.text, err.text);
        assert_int_equal(found.code, err.code);
    }
}

static void a_damaged_answer_is_refused(void **state)
{
    (void)state;
    RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
    struct ria_answer answer = {.kind = RIA_ANSWER_GIVEN};
    struct ria_error err;
    ria_answer_write(&answer, NULL, &bytes);
    assert_true(ria_answer_read(&bytes, &answer, &err)); /* control: undamaged */
    bytes.len--;
    assert_false(ria_answer_read(&bytes, &answer, &err));
    assert_int_equal(answer.kind, RIA_ANSWER_NONE);
    static const struct {
        unsigned tag;
        int64_t number;
    } rows[] = {{1, -1}, {1, RIA_ANSWER_NOT_FOUND + 1}, {0x100 + RIA_ANSWER_TEXTS, 1}, {77, 1}};
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        ria_record_begin(&bytes, RIA_RECORD_ANSWER);
        ria_record_add_number(&bytes, rows[i].tag, rows[i].number);
        ria_record_end(&bytes);
        assert_false(ria_answer_read(&bytes, &answer, &err));
        assert_string_equal(err.text, "rds-iam-fetch returned a damaged record of an answer");
    }
}

static void a_setting_that_decides_the_identity_changes_the_cache_name(void **state)
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
    assert_true(ria_cache_name(&plan, "a machine", NULL, name, &err));
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
    static const struct {
        const char *name;
        enum ria_plan_value value;
    } identifying[] = {
        {"the command", RIA_PLAN_PROCESS},
        {"the container's URI", RIA_PLAN_CONTAINER_URI},
        {"the container's authorization token", RIA_PLAN_CONTAINER_TOKEN},
        {"the URL of STS", RIA_PLAN_STS_URL},
    };
    for_each_row(row, identifying, row->name) {
        plan.value[row->value].value = "another";
        expect(row->name, ria_cache_name(&plan, NULL, NULL, name, &err));
        expect(row->name, strcmp(name, first) != 0);
        plan.value[row->value].value = NULL;
    }
    ria_buf_add_text(&plan.keys.access_key_id, "X");
    assert_true(ria_cache_name(&plan, NULL, NULL, name, &err));
    assert_string_not_equal(name, first);
    memcpy(first, name, sizeof(first));
    ria_buf_add_text(&plan.keys.session_token, "X");
    assert_true(ria_cache_name(&plan, NULL, NULL, name, &err));
    assert_string_not_equal(name, first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_survive_a_round_trip),
        cmocka_unit_test(a_field_without_its_whole_header_is_rejected),
        cmocka_unit_test(a_record_that_is_too_long_is_rejected),
        cmocka_unit_test(a_response_survives_a_round_trip),
        cmocka_unit_test(a_truncated_or_extended_response_is_rejected),
        cmocka_unit_test(a_changed_response_gives_no_credentials_or_is_accepted),
        cmocka_unit_test(a_request_survives_a_round_trip),
        cmocka_unit_test(a_request_without_a_required_field_is_rejected),
        cmocka_unit_test(a_request_with_half_a_key_pair_is_rejected),
        cmocka_unit_test(an_incomplete_question_is_refused),
        cmocka_unit_test(an_answer_survives_a_round_trip),
        cmocka_unit_test(a_damaged_answer_is_refused),
        cmocka_unit_test(a_setting_that_decides_the_identity_changes_the_cache_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
