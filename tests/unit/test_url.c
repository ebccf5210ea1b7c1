/* SPDX-License-Identifier: MIT
 *
 * Which parts of URLs, names and texts with URLs are printed. */
#include "codec/url.h"

#include "unit.h"

#define NOTHING "[URL not shown]"

static void only_host_and_port_of_a_url_are_shown(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *want;
    } rows[] = {
        {"https://host", "host"},
        {"https://host/", "host"},
        {"http://127.0.0.1:8080/path?query#fragment", "127.0.0.1:8080"},
        {"http://[fd00:ec2::254]/", "[fd00:ec2::254]"},
        {"http://[::1]:80", "[::1]:80"},
        {"http://user:secret@host:1/", "host:1"},
        {"http://secret@host", "host"},
        {"http://a:secret@secret:b@host/", "host"},
        {"http://user:se%63ret@host/", "host"},
        {"http://user:s ecret@host/", "host"},
        {"s3://bucket.name_x/key", "bucket.name_x"},
        {"", NOTHING},
        {"secret", NOTHING},
        {"user:secret@host", NOTHING},
        {"//user:secret@host", NOTHING},
        {"http:/user:secret@host", NOTHING},
        {"://user:secret@host", NOTHING},
        {"se cret://host", NOTHING},
        {"1http://host", NOTHING},
        {"http://", NOTHING},
        {"http://user:secret@", NOTHING},
        {"http://user:sec/ret@host", NOTHING},
        {"http://user:12/secret@host", NOTHING},
        {"http://user:12?secret@host", NOTHING},
        {"http://user:12#secret@host", NOTHING},
        {"http://user:12\\secret@host", NOTHING},
        {"http://host:secret/", NOTHING},
        {"http://host:123456/", NOTHING},
        {"http://host%40secret/", NOTHING},
        {"http://ho st/", NOTHING},
        {"http://host\nsecret", NOTHING},
        {"http://h\xc3\xb6st/", NOTHING},
        {"http://[secret]/", NOTHING},
        {"http://[::1%25eth0]/", NOTHING},
        {"http://[::1/", NOTHING},
        {"http://[::1]secret/", NOTHING},
        {"http://[]/", NOTHING},
    };
    for_each_row(row, rows, row->url) {
        char shown[RIA_URL_SHOWN_SIZE];
        ria_url_show(row->url, shown);
        expect_text(row->url, shown, row->want);
    }
}

static void a_long_host_is_not_shown(void **state)
{
    (void)state;
    char url[2 * RIA_URL_SHOWN_SIZE] = "http://";
    char shown[RIA_URL_SHOWN_SIZE];
    memset(url + 7, 'a', RIA_URL_SHOWN_SIZE - 1);
    ria_url_show(url, shown);
    assert_int_equal(strlen(shown), RIA_URL_SHOWN_SIZE - 1);
    url[7 + RIA_URL_SHOWN_SIZE - 1] = 'a';
    ria_url_show(url, shown);
    assert_string_equal(shown, NOTHING);
}

static void urls_in_a_text_are_reduced_to_their_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"", ""},
        {"User: arn:aws:iam::1:role/r is not authorized",
         "User: arn:aws:iam::1:role/r is not authorized"},
        {"see https://docs.host/path.", "see https://docs.host."},
        {"(http://user:secret@host/x), or not", "(http://host), or not"},
        {"a http://secret:x y@host/z b", "a http://host b"},
        {"two: http://h1/secret and https://h2/secret!", "two: http://h1 and https://h2!"},
        {"ftp://u:secret@host", "host"},
        {"\"https://host/secret\"", "\"https://host\""},
        {"://secret", NOTHING},
        {"http://a/secret, mail me@host", "http://" NOTHING},
        {"x://://", NOTHING},
    };
    for_each_row(row, rows, row->text) {
        char out[128];
        expect(row->text, ria_url_show_in(row->text, out, sizeof(out)));
        expect_text(row->text, out, row->want);
    }
    char cut[12];
    assert_false(ria_url_show_in("a text that is too long", cut, sizeof(cut)));
    assert_string_equal(cut, "a text t...");
}

/* The advice of the product stays complete; quoted text may be cut after any character. */
static void secrets_are_removed_from_urls_in_a_message(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"", ""},
        {"is not a URL; write http://ADDRESS/PATH", "is not a URL; write http://ADDRESS/PATH"},
        {"at http://[::1]:80/latest/, or ask ada@host",
         "at http://[::1]:80/latest/, or ask ada@host"},
        {"(https://h:1/p); try it", "(https://h:1/p); try it"},
        {"(https://h:1); try it", "(https://h:1); try it"},
        {"\"https://u:secret@h/secret\" is not a mode", "\"https://h\" is not a mode"},
        {"\"https://u:secret\" is not a mode", "\"https://" NOTHING "\" is not a mode"},
        {"(https://" NOTHING ") at http://" NOTHING ", try it",
         "(https://" NOTHING ") at http://" NOTHING ", try it"},
        {"https://h/?secret", "https://h"},
        {"https://h/#secret", "https://h"},
        {"https://h%40secret", "https://" NOTHING},
    };
    for_each_row(row, rows, row->text) {
        char text[128];
        (void)snprintf(text, sizeof(text), "%s", row->text);
        ria_url_clean(text, sizeof(text));
        expect_text(row->text, text, row->want);
    }
}

static void secrets_are_removed_from_names_that_may_be_urls(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *want;
    } rows[] = {
        {"db.example.com", "db.example.com"},
        {"db.example.com:3306", "db.example.com:3306"},
        {"profile etl", "profile etl"},
        {"https://user:secret@host/secret", "https://host"},
        {"postgresql://user:secret@host/db", "host"},
        {"user:secret@host", "...@host"},
        {"user@host:3306", "user@host:3306"},
        {"host/secret?secret", "host/..."},
        {"user:sec/ret@host", NOTHING},
        {"//user:secret@host", NOTHING},
        {"host\\secret", "host/..."},
    };
    for_each_row(row, rows, row->name) {
        char out[64];
        ria_url_show_name(row->name, out, sizeof(out));
        expect_text(row->name, out, row->want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_host_and_port_of_a_url_are_shown),
        cmocka_unit_test(a_long_host_is_not_shown),
        cmocka_unit_test(urls_in_a_text_are_reduced_to_their_hosts),
        cmocka_unit_test(secrets_are_removed_from_urls_in_a_message),
        cmocka_unit_test(secrets_are_removed_from_names_that_may_be_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
