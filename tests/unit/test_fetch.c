/* SPDX-License-Identifier: MIT
 *
 * The parsers of rds-iam-fetch: XML of STS, JSON credentials, URLs. */
#include "fetch/http.h"
#include "fetch/json.h"
#include "fetch/query_call.h"
#include "unit.h"

static void fill(struct ria_buf *out, const char *text)
{
    ria_buf_clear(out);
    ria_buf_add_text(out, text);
}

static void xml_gives_the_first_element_of_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *key; /* NULL: refused */
    } rows[] = {
        {"<r><Key>a</Key><Key>b</Key></r>", "a"},
        {"<r xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><c><Key>a&amp;b&#x3c;</Key></c></r>",
         "a&b<"},
        {"<r><Other>x</Other></r>", ""},
        {"<r><Key>a<inner/>b</Key></r>", "a"},
        {"", NULL},
        {"<r>", NULL},
        {"<r></s>", NULL},
        {"{}", NULL},
        {"<!DOCTYPE r><r/>", NULL},
        {"<!DOCTYPE r [<!ENTITY a 'x'>]><r><Key>&a;</Key></r>", NULL},
        {"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><Key>16</Key>"
         "</a></a></a></a></a></a></a></a></a></a></a></a></a></a></a>",
         "16"},
        {"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><Key>17</Key>"
         "</a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a>",
         NULL},
        {"<r><Key>0123456789012345678901234567890123456789</Key></r>", NULL},
    };
    for_each_row(row, rows, row->text) {
        RIA_AUTO(buf) text = {.max = 1024};
        RIA_AUTO(buf) key = {.max = 32};
        const struct ria_xml_wanted wanted[] = {{"Key", &key}};
        fill(&text, row->text);
        expect_number(row->text, ria_xml_read(&text, wanted, 1), row->key != NULL);
        if (row->key != NULL) {
            expect_text(row->text, ria_buf_text(&key), row->key);
        }
    }
}

static void xml_finds_an_element_by_its_ancestors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *key;
    } rows[] = {
        {"<r><Pending><Key>a</Key></Pending><In><Key>b</Key></In></r>", "b"},
        {"<r><In><Pending><Key>a</Key></Pending><Key>b</Key></In></r>", "b"},
        {"<r><XIn><Key>a</Key></XIn></r>", ""},
        {"<In><Key>a</Key></In>", "a"},
        {"<r><In/><Key>a</Key></r>", ""},
        {"<r><In><Key></Key></In><In><Key>b</Key></In></r>", "b"},
    };
    for_each_row(row, rows, row->text) {
        RIA_AUTO(buf) text = {.max = 1024};
        RIA_AUTO(buf) key = {.max = 32};
        const struct ria_xml_wanted wanted[] = {{"In/Key", &key}};
        fill(&text, row->text);
        expect(row->text, ria_xml_read(&text, wanted, 1));
        expect_text(row->text, ria_buf_text(&key), row->key);
    }
}

static void xml_with_a_name_that_is_too_long_is_refused(void **state)
{
    (void)state;
    RIA_AUTO(buf) text = {.max = 4096};
    RIA_AUTO(buf) key = {.max = 32};
    const struct ria_xml_wanted wanted[] = {{"Key", &key}};
    for (int i = 0; i < 2; i++) {
        fill(&text, "<r><n");
        for (int j = 0; j < (i == 0 ? 400 : 600); j++) {
            ria_buf_add_char(&text, 'n');
        }
        ria_buf_add_text(&text, "/><Key>k</Key></r>");
        ria_buf_clear(&key);
        expect_number("read", ria_xml_read(&text, wanted, 1), i == 0);
    }
}

static void json_gives_credentials_or_names_the_missing_member(void **state)
{
    (void)state;
    static const struct ria_json_form container = {
        .session_token = "Token", .needs_session_token = true, .wanted_code = "Success"};
    static const struct ria_json_form process = {
        .session_token = "SessionToken", .has_version = true};
#define PAIR "\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\""
    static const struct {
        const char *text;
        const struct ria_json_form *form;
        const char *fault; /* NULL: accepted */
    } rows[] = {
        {"{" PAIR ",\"Token\":\"t\",\"Expiration\":\"2026-08-22T12:34:56Z\"}", &container, NULL},
        {"{\"accessKeyId\":\"A\",\"secretaccesskey\":\"s\",\"token\":\"t\",\"EXPIRATION\":"
         "\"2026-08-22T12:34:56Z\",\"Code\":\"Success\"}",
         &container,
         NULL},
        {"{\"Version\":1," PAIR "}", &process, NULL},
        {"{\"Version\":1," PAIR ",\"SessionToken\":null}", &process, NULL},
        {"", &process, "not JSON"},
        {"{", &process, "not JSON"},
        {"[]", &process, "not a JSON object"},
        {"{" PAIR "}", &process, "the JSON has no \"Version\": 1"},
        {"{\"Version\":\"1\"," PAIR "}", &process, "the JSON has no \"Version\": 1"},
        {"{\"Version\":2," PAIR "}", &process, "the JSON has no \"Version\": 1"},
        {"{\"Version\":1,\"SecretAccessKey\":\"s\"}", &process, "the JSON has no AccessKeyId"},
        {"{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"\"}",
         &process,
         "the SecretAccessKey is empty or not a string"},
        {"{\"Version\":1,\"AccessKeyId\":5,\"SecretAccessKey\":\"s\"}",
         &process,
         "the AccessKeyId is empty or not a string"},
        {"{\"Version\":1," PAIR ",\"Expiration\":\"soon\"}",
         &process,
         "the Expiration is not a time"},
        {"{" PAIR ",\"Token\":\"t\"}", &container, "the JSON has no Expiration"},
        {"{" PAIR ",\"Expiration\":\"2026-08-22T12:34:56Z\"}", &container, "the JSON has no Token"},
        {"{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\\n\"}",
         &process,
         "the keys contain characters other than visible ASCII"},
        {"{\"Version\":1," PAIR ",\"SessionToken\":\"t\\r\\nX: 1\"}",
         &process,
         "the keys contain characters other than visible ASCII"},
        {"{\"Version\":1," PAIR ",\"accessKeyId\":\"B\"}",
         &process,
         "the JSON has more than one AccessKeyId"},
        {"{\"Version\":1,\"SECRETACCESSKEY\":\"z\"," PAIR "}",
         &process,
         "the JSON has more than one SecretAccessKey"},
        {"{\"Version\":1," PAIR ",\"SessionToken\":\"t\",\"sessionToken\":null}",
         &process,
         "the JSON has more than one SessionToken"},
        {"{\"Version\":1," PAIR ",\"Token\":\"t\",\"token\":\"u\"}", &process, NULL},
        {"{\"Code\":\"AssumeRoleUnauthorizedAccess\"}",
         &container,
         "the Code is AssumeRoleUnauthorizedAccess"},
    };
    for_each_row(row, rows, row->text) {
        RIA_AUTO(buf) text = {.max = 1024};
        RIA_AUTO(credentials) found = RIA_CREDENTIALS_INIT;
        struct ria_error err = {0};
        fill(&text, row->text);
        bool taken = ria_json_credentials(&text, row->form, &found, &err);
        expect_number(row->text, taken, row->fault == NULL);
        expect_text(row->text, err.text, row->fault == NULL ? "" : row->fault);
        expect_text(row->text, ria_buf_text(&found.secret_access_key), taken ? "s" : "");
    }
}

static void urls_are_checked_by_the_host_that_they_lead_to(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *host; /* NULL: refused */
        const char *path;
        bool is_https;
        bool is_loopback;
    } rows[] = {
        {"https://sts.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com", "/", true, false},
        {"https://h:443/p?q", "h", "/p", true, false},
        {"http://127.0.0.1:80/", "127.0.0.1", "/", false, true},
        {"http://127.9.9.9:81/x", "127.9.9.9:81", "/x", false, true},
        {"http://LOCALHOST/", "LOCALHOST", "/", false, true},
        {"http://[::1]:8080/", "[::1]:8080", "/", false, true},
        {"http://[fd00:ec2::23]/v1", "[fd00:ec2::23]", "/v1", false, false},
        {"http://127.0.0.1@evil.example/", "evil.example", "/", false, false},
        {"http://127.0.0.1.evil.example/", "127.0.0.1.evil.example", "/", false, false},
        {"http://localhost.evil.example/", "localhost.evil.example", "/", false, false},
        {"ftp://h/", NULL, NULL, false, false},
        {"file:///etc/passwd", NULL, NULL, false, false},
        {"/x", NULL, NULL, false, false},
        {"", NULL, NULL, false, false},
    };
    for_each_row(row, rows, row->url) {
        struct ria_http_place place = {0};
        bool ok = ria_http_place(row->url, &place);
        expect_number(row->url, ok, row->host != NULL);
        if (ok) {
            expect_text(row->url, place.host, row->host);
            expect_text(row->url, place.path, row->path);
            expect_number(row->url, place.is_https, row->is_https);
            expect_number(row->url, place.is_loopback, row->is_loopback);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xml_gives_the_first_element_of_a_name),
        cmocka_unit_test(xml_finds_an_element_by_its_ancestors),
        cmocka_unit_test(xml_with_a_name_that_is_too_long_is_refused),
        cmocka_unit_test(json_gives_credentials_or_names_the_missing_member),
        cmocka_unit_test(urls_are_checked_by_the_host_that_they_lead_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
