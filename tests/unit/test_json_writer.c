/* SPDX-License-Identifier: MIT
 *
 * The JSON writer: layout, escapes, and sequences of calls that make no valid document.
 * jansson parses the documents. */
#include "tool/json_writer.h"

#include "unit.h"

#include <jansson.h>

static void every_kind_of_value_is_written(void **state)
{
    (void)state;
    RIA_AUTO(buf) text = {.max = 4096};
    struct ria_json_writer json = {.out = &text};
    ria_json_writer_object(&json, NULL);
    ria_json_writer_text(&json, "text", "a");
    ria_json_writer_text(&json, "no text", NULL);
    ria_json_writer_number(&json, "least", INT64_MIN);
    ria_json_writer_number(&json, "most", INT64_MAX);
    ria_json_writer_array(&json, "list");
    ria_json_writer_boolean(&json, NULL, true);
    ria_json_writer_boolean(&json, NULL, false);
    ria_json_writer_null(&json, NULL);
    ria_json_writer_object(&json, NULL);
    ria_json_writer_end(&json);
    ria_json_writer_array(&json, NULL);
    ria_json_writer_end(&json);
    ria_json_writer_end(&json);
    ria_json_writer_end(&json);
    assert_string_equal(
        ria_json_writer_finish(&json),
        "{\n"
        "  \"text\": \"a\",\n"
        "  \"no text\": null,\n"
        "  \"least\": -9223372036854775808,\n"
        "  \"most\": 9223372036854775807,\n"
        "  \"list\": [\n"
        "    true,\n"
        "    false,\n"
        "    null,\n"
        "    {},\n"
        "    []\n"
        "  ]\n"
        "}\n");
    json_t *read = json_loads(ria_buf_text(&text), 0, NULL);
    assert_non_null(read);
    json_decref(read);
}

static void strings_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        const char *json;
        const char *back; /* what a reader gets; NULL: the text itself */
    } rows[] = {
        {"an empty text", "", "\"\"", NULL},
        {"printable ASCII is unchanged", " !#/09AZ[]az{}~", "\" !#/09AZ[]az{}~\"", NULL},
        {"a quote and a backslash", "\"\\", "\"\\\"\\\\\"", NULL},
        {"control characters with short forms", "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"", NULL},
        {"other control characters", "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"", NULL},
        {"two bytes", "\xc3\xa9\xc2\x80", "\"\\u00e9\\u0080\"", NULL},
        {"three bytes", "\xe2\x80\xa8\xef\xbf\xbf", "\"\\u2028\\uffff\"", NULL},
        {"four bytes",
         "\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf",
         "\"\\ud83d\\ude00\\udbff\\udfff\"",
         NULL},
        {"a byte that belongs to no character",
         "a\xff"
         "b",
         "\"a\\ufffdb\"",
         "a\xef\xbf\xbd"
         "b"},
        {"a surrogate",
         "\xed\xa0\x80",
         "\"\\ufffd\\ufffd\\ufffd\"",
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"an overlong slash", "\xc0\xaf", "\"\\ufffd\\ufffd\"", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"above the last character",
         "\xf4\x90\x80\x80",
         "\"\\ufffd\\ufffd\\ufffd\\ufffd\"",
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"half a character at the end",
         "a\xe2\x82",
         "\"a\\ufffd\\ufffd\"",
         "a\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(buf) text = {.max = 256};
        struct ria_json_writer json = {.out = &text};
        ria_json_writer_text(&json, NULL, row->text);
        const char *document = ria_json_writer_finish(&json);
        char expected[256];
        (void)snprintf(expected, sizeof(expected), "%s\n", row->json);
        expect_text(row->name, document, expected);
        json_t *read = json_loads(document == NULL ? "" : document, JSON_DECODE_ANY, NULL);
        expect_text(row->name, json_string_value(read), row->back == NULL ? row->text : row->back);
        json_decref(read);
    }
}

static void the_name_of_a_member_is_escaped(void **state)
{
    (void)state;
    RIA_AUTO(buf) text = {.max = 256};
    struct ria_json_writer json = {.out = &text};
    ria_json_writer_object(&json, NULL);
    ria_json_writer_null(&json, "a\"\n\xff");
    ria_json_writer_end(&json);
    assert_string_equal(ria_json_writer_finish(&json), "{\n  \"a\\\"\\n\\ufffd\": null\n}\n");
}

/* Each step is one call: "{" and "[" begin, "}" ends, "v" is a value without a name, "n" one with a
 * name, "N" an object with a name. */
static const char *run_steps(const char *steps, struct ria_json_writer *json)
{
    for (; *steps != '\0'; steps++) {
        switch (*steps) {
        case '{':
            ria_json_writer_object(json, NULL);
            break;
        case '[':
            ria_json_writer_array(json, NULL);
            break;
        case 'N':
            ria_json_writer_object(json, "o");
            break;
        case '}':
            ria_json_writer_end(json);
            break;
        case 'n':
            ria_json_writer_number(json, "x", 1);
            break;
        default:
            ria_json_writer_number(json, NULL, 1);
            break;
        }
    }
    return ria_json_writer_finish(json);
}

static void calls_that_make_no_document_are_reported(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *steps;
        bool is_document;
    } rows[] = {
        {"an object with a member", "{n}", true},
        {"an array of arrays", "[[v}v}", true},
        {"16 levels", "[[[[[[[[[[[[[[[[}}}}}}}}}}}}}}}}", true},
        {"17 levels", "[[[[[[[[[[[[[[[[[}}}}}}}}}}}}}}}}}", false},
        {"17 levels of objects", "{NNNNNNNNNNNNNNNN}}}}}}}}}}}}}}}}}", false},
        {"nothing", "", false},
        {"an object that is not ended", "{n", false},
        {"too many ends", "{}}", false},
        {"a member without a name", "{v}", false},
        {"a name in an array", "[n}", false},
        {"a name at the top", "n", false},
        {"two values at the top", "vv", false},
        {"a value after the object", "{}v", false},
        {"an object without a name in an object", "{{}}", false},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(buf) text = {.max = 4096};
        struct ria_json_writer json = {.out = &text};
        const char *document = run_steps(row->steps, &json);
        expect_number(row->name, document != NULL, row->is_document);
        json_t *read = json_loads(document == NULL ? "" : document, JSON_DECODE_ANY, NULL);
        expect_number(row->name, read != NULL, row->is_document);
        json_decref(read);
    }
}

static void a_full_buffer_is_reported(void **state)
{
    (void)state;
    for (size_t max = 0; max < 12; max++) {
        RIA_AUTO(buf) text = {.max = max};
        struct ria_json_writer json = {.out = &text};
        ria_json_writer_array(&json, NULL);
        ria_json_writer_text(&json, NULL, "a");
        ria_json_writer_end(&json);
        /* "[\n  "a"\n]\n" has 10 bytes. */
        assert_int_equal(ria_json_writer_finish(&json) != NULL, max >= 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_is_written),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(the_name_of_a_member_is_escaped),
        cmocka_unit_test(calls_that_make_no_document_are_reported),
        cmocka_unit_test(a_full_buffer_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
