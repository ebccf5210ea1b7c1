/* SPDX-License-Identifier: MIT
 *
 * Records are the messages between rds-iam-fetch and its callers. Each reader rejects a record with
 * one wrong field: a field that the reader does not know, a text that is too long, a text with a
 * NUL byte, or a number whose length is not eight bytes. Control: the same record without this
 * field is accepted. */
#include "provider/alias_record.h"
#include "provider/answer_record.h"
#include "provider/identity_record.h"
#include "provider/request.h"
#include "provider/response.h"
#include "provider/trust_bundle.h"
#include "unit.h"

enum {
    LONG_TEXT = 16 * 1024, /* longer than any text of a record may be */
    UNKNOWN = 0x7f0
};

static struct ria_error reason;

/* -- complete records ----------------------------------------------------------------------------
 */

static void write_response(struct ria_buf *out)
{
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    response.outcome = RIA_FOUND;
    ria_buf_add_text(&response.credentials.access_key_id, "AKIA");
    ria_buf_add_text(&response.credentials.secret_access_key, "secret");
    ria_response_write(&response, out);
}

static void write_identity(struct ria_buf *out)
{
    const struct ria_identity identity = {.arn = "arn:aws:iam::1:user/u"};
    ria_identity_write(&identity, NULL, out);
}

static void write_answer(struct ria_buf *out)
{
    const struct ria_answer answer = {.kind = RIA_ANSWER_GIVEN};
    ria_answer_write(&answer, NULL, out);
}

static void write_bundle_request(struct ria_buf *out)
{
    const struct ria_trust_bundle_request request = {.partition = "aws", .budget = 1};
    ria_trust_bundle_write_request(&request, out);
}

static void write_bundle(struct ria_buf *out)
{
    RIA_AUTO(buf) pem = {.max = 64};
    ria_buf_add_text(&pem, "PEM");
    ria_trust_bundle_write_response(&pem, NULL, out);
}

static void write_request(struct ria_buf *out)
{
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    struct ria_error err;
    plan.source = RIA_SOURCE_KEYS;
    ria_buf_add_text(&plan.keys.access_key_id, "AKIA");
    ria_buf_add_text(&plan.keys.secret_access_key, "secret");
    plan.roles[0].value[RIA_ROLE_ARN].value = "arn";
    plan.roles[0].value[RIA_ROLE_REGION].value = "region";
    plan.role_count = 1;
    assert_true(ria_request_write(&plan, 1, NULL, NULL, out, &err));
}

/* -- readers -------------------------------------------------------------------------------------
 */

static bool read_response(const struct ria_buf *bytes)
{
    RIA_AUTO(response) out = RIA_RESPONSE_INIT;
    return ria_response_read(bytes, &out);
}

static bool read_identity(const struct ria_buf *bytes)
{
    struct ria_identity out;
    return ria_identity_read(bytes, &out, &reason);
}

static bool read_answer(const struct ria_buf *bytes)
{
    struct ria_answer out;
    return ria_answer_read(bytes, &out, &reason);
}

static bool read_bundle_request(const struct ria_buf *bytes)
{
    struct ria_trust_bundle_request out;
    return ria_trust_bundle_read_request(bytes, &out);
}

static bool read_bundle(const struct ria_buf *bytes)
{
    RIA_AUTO(buf) pem = {.max = LONG_TEXT / 2};
    return ria_trust_bundle_read_response(bytes, &pem, &reason);
}

static bool read_request(const struct ria_buf *bytes)
{
    RIA_AUTO(request) out = RIA_REQUEST_INIT;
    return ria_request_read(bytes, &out);
}

static const struct reader {
    const char *name;
    void (*write)(struct ria_buf *out);
    bool (*read)(const struct ria_buf *bytes);
    const char *message; /* of a damaged record; NULL: the reader gives no message */
    unsigned texts[12];  /* the tags of the texts; 0 ends the list */
    unsigned numbers[8]; /* the tags of the numbers; 0 ends the list */
} readers[] = {
    {"a response",
     write_response,
     read_response,
     NULL,
     {3, 4, 5, 6, 8, 9, 11, 13},
     {1, 2, 7, 10, 12}},
    {"an identity",
     write_identity,
     read_identity,
     "rds-iam-fetch returned a damaged record of an identity",
     {1, 4},
     {2, 3}},
    {"an answer",
     write_answer,
     read_answer,
     "rds-iam-fetch returned a damaged record of an answer",
     {3, 0x100},
     {1, 2}},
    {"a request for a bundle", write_bundle_request, read_bundle_request, NULL, {1}, {2}},
    {"a bundle",
     write_bundle,
     read_bundle,
     "rds-iam-fetch returned a damaged record of a bundle",
     {5},
     {4}},
    {"a request", write_request, read_request, NULL, {2, 3, 4, 5, 7, 0x402}, {1, 6, 8, 9, 0x400}},
};

/* Returns whether the reader accepts the complete record with one more field. */
static bool accepts(const struct reader *reader, unsigned tag, const void *bytes, size_t len)
{
    RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
    reason.text[0] = '\0';
    reader->write(&record);
    if (tag != 0) {
        ria_record_add(&record, tag, bytes, len);
        ria_record_end(&record);
    }
    assert_false(record.failed);
    return reader->read(&record);
}

static void expect_rejected(
    const struct reader *reader, const char *what, unsigned tag, const void *bytes, size_t len)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "%s, field %u: %s", reader->name, tag, what);
    expect(name, !accepts(reader, tag, bytes, len));
    if (reader->message != NULL) {
        expect_text(name, reason.text, reader->message);
    }
}

static void a_record_with_one_wrong_field_is_rejected(void **state)
{
    (void)state;
    static char text[LONG_TEXT];
    memset(text, 'x', sizeof(text));
    for_each_row(reader, readers, reader->name) {
        expect("control: the complete record", accepts(reader, 0, NULL, 0));
        expect_rejected(reader, "not known", UNKNOWN, "x", 1);
        for (const unsigned *tag = reader->texts; *tag != 0; tag++) {
            expect_rejected(reader, "too long", *tag, text, sizeof(text));
            expect_rejected(reader, "a NUL byte", *tag, "a\0b", 3);
        }
        for (const unsigned *tag = reader->numbers; *tag != 0; tag++) {
            expect_rejected(reader, "a number of nine bytes", *tag, "123456789", 9);
            expect_rejected(reader, "an empty number", *tag, "", 0);
        }
    }
}

static void numbers_out_of_range_are_rejected(void **state)
{
    (void)state;
    static const struct {
        const struct reader *reader;
        unsigned tag;
        int64_t number;
        bool ok;
    } rows[] = {
        {&readers[0], 1, RIA_FOUND, true},
        {&readers[0], 1, -1, false},
        {&readers[0], 1, RIA_FAILED + 1, false},
        {&readers[0], 2, RIA_E_PENDING, true},
        {&readers[0], 2, -1, false},
        {&readers[0], 2, RIA_E_PENDING + 1, false},
        {&readers[3], 2, 0, false},
        {&readers[5], 1, -1, false},
        {&readers[5], 1, RIA_SOURCES, false},
        {&readers[5], 9, 0, true},
        {&readers[5], 9, 900, true},
        {&readers[5], 9, 899, false},
        {&readers[5], 9, 43201, false},
        {&readers[5], 0x400, 0, false},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        RIA_AUTO(buf) number = {.max = 1024};
        ria_record_begin(&number, RIA_RECORD_RESPONSE);
        size_t before = number.len;
        ria_record_add_number(&number, 1, rows[i].number);
        const char *bytes = number.data + before + 6; /* after the header of the field */
        char name[64];
        (void)snprintf(
            name, sizeof(name), "%s, %lld", rows[i].reader->name, (long long)rows[i].number);
        expect_number(name, accepts(rows[i].reader, rows[i].tag, bytes, 8), rows[i].ok);
    }
}

/* A setting is its value, its path and its line, with a NUL byte after each of the first two. */
static void an_incomplete_setting_is_rejected(void **state)
{
    (void)state;
    static const unsigned tags[] = {0x100, 0x200};
    for (size_t i = 0; i < RIA_COUNT(tags); i++) {
        assert_true(accepts(&readers[5], tags[i], "value\0path\0001", 12));
        assert_false(accepts(&readers[5], tags[i], "value", 5));
        assert_false(accepts(&readers[5], tags[i], "value\0path", 10));
    }
}

static void a_request_with_too_many_roles_is_rejected(void **state)
{
    (void)state;
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
    RIA_AUTO(request) request = RIA_REQUEST_INIT;
    struct ria_error err;
    plan.source = RIA_SOURCE_KEYS;
    ria_buf_add_text(&plan.keys.access_key_id, "AKIA");
    ria_buf_add_text(&plan.keys.secret_access_key, "secret");
    plan.role_count = RIA_ROLES_MAX;
    for (size_t i = 0; i < RIA_ROLES_MAX; i++) {
        plan.roles[i].value[RIA_ROLE_ARN].value = "arn";
        plan.roles[i].value[RIA_ROLE_REGION].value = "region";
    }
    assert_true(ria_request_write(&plan, 1, NULL, NULL, &record, &err));
    assert_true(ria_request_read(&record, &request)); /* control */
    ria_request_release(&request);
    ria_record_add_number(&record, 8, 0);
    ria_record_end(&record);
    assert_false(ria_request_read(&record, &request));
}

static void a_role_value_before_the_first_role_is_rejected(void **state)
{
    (void)state;
    static const unsigned tags[] = {0x200, 9};
    for (size_t i = 0; i < RIA_COUNT(tags); i++) {
        RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
        RIA_AUTO(request) request = RIA_REQUEST_INIT;
        ria_record_begin(&record, RIA_RECORD_REQUEST);
        ria_record_add_number(&record, tags[i], 900);
        ria_record_end(&record);
        assert_false(ria_request_read(&record, &request));
        assert_int_equal(request.plan.role_count, 0);
    }
}

/* The record has no field at all, so a response has neither a result nor an error. */
static void a_record_without_any_field_is_rejected(void **state)
{
    (void)state;
    static const enum ria_record_kind kinds[] = {
        RIA_RECORD_RESPONSE,
        RIA_RECORD_IDENTITY_RESPONSE,
        RIA_RECORD_ANSWER,
        RIA_RECORD_BUNDLE_REQUEST,
        RIA_RECORD_BUNDLE_RESPONSE,
        RIA_RECORD_REQUEST,
    };
    for (size_t i = 0; i < RIA_COUNT(kinds); i++) {
        RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
        ria_record_begin(&record, kinds[i]);
        ria_record_end(&record);
        assert_false(readers[i].read(&record));
        if (readers[i].message != NULL) {
            assert_string_equal(reason.text, readers[i].message);
        }
    }
}

static void an_alias_must_be_a_name_that_fits(void **state)
{
    (void)state;
    char host[RIA_HOST_SIZE];
    char name[RIA_HOST_SIZE + 1];
    for (size_t extra = 0; extra < 2; extra++) {
        RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
        memset(name, 'h', sizeof(name));
        name[RIA_HOST_SIZE - 1 + extra] = '\0';
        ria_alias_write_response(name, &record);
        assert_int_equal(ria_alias_read_response(&record, host), extra == 0);
        assert_false(ria_alias_read_request(&record, host));
    }
    RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
    ria_record_begin(&record, RIA_RECORD_ALIAS_RESPONSE);
    ria_record_end(&record);
    assert_false(ria_alias_read_response(&record, host));
    ria_record_add_text(&record, 2, "h");
    ria_record_end(&record);
    assert_false(ria_alias_read_response(&record, host));
    ria_record_begin(&record, RIA_RECORD_ALIAS_RESPONSE);
    ria_record_add(&record, 1, "h\0h", 3);
    ria_record_end(&record);
    assert_false(ria_alias_read_response(&record, host));
}

/* A response with too many warnings is accepted, because the other fields are complete. */
static void one_warning_too_many_is_dropped(void **state)
{
    (void)state;
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
    response.err = (struct ria_error){.code = RIA_E_CONFIG, .text = "failed"};
    for (int i = 0; i <= RIA_RESPONSE_WARNINGS_MAX; i++) {
        ria_response_warn(&response, "warning %d", i);
    }
    assert_int_equal(response.warning_count, RIA_RESPONSE_WARNINGS_MAX);
    ria_response_write(&response, &record);
    ria_record_add_text(&record, 13, "one more");
    ria_record_end(&record);
    assert_true(ria_response_read(&record, &response));
    assert_int_equal(response.warning_count, RIA_RESPONSE_WARNINGS_MAX);
    assert_string_equal(response.warnings[0], "warning 0");
}

static void a_response_with_a_refusal_gives_the_reason(void **state)
{
    (void)state;
    RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
    RIA_AUTO(buf) pem = {.max = 64};
    const struct ria_error refusal = {
        .code = RIA_E_CREDENTIALS, .text = "the server refused; try again"};
    ria_trust_bundle_write_response(NULL, &refusal, &bytes);
    assert_false(ria_trust_bundle_read_response(&bytes, &pem, &reason));
    assert_int_equal(reason.code, RIA_E_CREDENTIALS);
    assert_string_equal(reason.text, refusal.text);
    assert_int_equal(pem.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_with_one_wrong_field_is_rejected),
        cmocka_unit_test(numbers_out_of_range_are_rejected),
        cmocka_unit_test(an_incomplete_setting_is_rejected),
        cmocka_unit_test(a_request_with_too_many_roles_is_rejected),
        cmocka_unit_test(a_role_value_before_the_first_role_is_rejected),
        cmocka_unit_test(a_record_without_any_field_is_rejected),
        cmocka_unit_test(an_alias_must_be_a_name_that_fits),
        cmocka_unit_test(one_warning_too_many_is_dropped),
        cmocka_unit_test(a_response_with_a_refusal_gives_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
