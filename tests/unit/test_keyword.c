/* SPDX-License-Identifier: MIT
 *
 * The table of libpq's keywords: the first and the last release of libpq that knows each keyword,
 * and whether its value names a file. */
#include "service/keyword.h"

#include "unit.h"

#include <stdio.h>

static void some_keywords_have_their_versions_and_other_words_are_unknown(void **state)
{
    (void)state;
    static const struct ria_keyword known[] = {
        {"host", 10, 18, false},
        {"passfile", 10, 18, true},
        {"authtype", 10, 13, false},
        {"gssencmode", 12, 18, false},
        {"require_auth", 16, 18, false},
        {"sslnegotiation", 17, 18, false},
        {"sslkeylogfile", 18, 18, true},
        {"sslcrldir", 14, 18, true},
    };
    static const char *const unknown[] = {
        "", "Host", "host ", "iam", "requiressl", "service", "servicefile"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const struct ria_keyword *found = ria_keyword_find(known[i].key);
        assert_non_null(found);
        assert_string_equal(found->key, known[i].key);
        assert_int_equal(found->first, known[i].first);
        assert_int_equal(found->last, known[i].last);
        assert_int_equal(found->names_file, known[i].names_file);
    }
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_null(ria_keyword_find(unknown[i]));
    }
}

static void each_keyword_is_found(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "application_name",
        "authtype",
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "dbname",
        "fallback_application_name",
        "gssdelegation",
        "gssencmode",
        "gsslib",
        "host",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "krbsrvname",
        "load_balance_hosts",
        "max_protocol_version",
        "min_protocol_version",
        "oauth_client_id",
        "oauth_client_secret",
        "oauth_issuer",
        "oauth_scope",
        "options",
        "passfile",
        "password",
        "port",
        "replication",
        "require_auth",
        "requirepeer",
        "scram_client_key",
        "scram_server_key",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "sslcert",
        "sslcertmode",
        "sslcompression",
        "sslcrl",
        "sslcrldir",
        "sslkey",
        "sslkeylogfile",
        "sslmode",
        "sslnegotiation",
        "sslpassword",
        "sslrootcert",
        "sslsni",
        "target_session_attrs",
        "tcp_user_timeout",
        "tty",
        "user",
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char longer[64];
        const struct ria_keyword *found = ria_keyword_find(keys[i]);
        assert_non_null(found);
        assert_string_equal(found->key, keys[i]);
        (void)snprintf(longer, sizeof(longer), "%s+", keys[i]);
        assert_null(ria_keyword_find(longer));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_keywords_have_their_versions_and_other_words_are_unknown),
        cmocka_unit_test(each_keyword_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
