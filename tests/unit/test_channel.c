/* SPDX-License-Identifier: MIT
 *
 * The TLS facts that Connector/C reports, in many combinations, and the channel state that the
 * plugin derives from each. A number in the name of a row, such as 3.4.1, is a release of
 * Connector/C that reports these facts. */
#include "fake_mariadb.h"
#include "unit.h"

#include <stdlib.h>

static char ca[] = "/ca.pem";

struct row {
    const char *name;
    const char *library;
    char *ssl_ca;
    char *ssl_capath;
    const char *cipher;
    const char *host;
    const char *default_auth;
    const char *missing; /* a part of the remedy; NULL: any remedy */
    enum ria_channel want;
    unsigned status;
    int option_result;
    char on;
    bool has_status;
};

static const char other_ca[] = "the server's certificate was not issued by the CA in ssl-ca, or "
                               "has expired; run: rds-iam setup ca, and name its file in ssl-ca";
static const char other_name[] =
    "the server's certificate does not contain the host name that the client dialed; use the "
    "endpoint's own name, and for a tunnel map this name to the tunnel's address in /etc/hosts";
static const char verify[] = "add ssl-verify-server-cert=1";
static const char encrypt[] =
    "set ssl-ca and ssl-verify-server-cert=1, as printed by rds-iam setup mysql";

/* -- no TLS --------------------------------------------------------------------------------- */

static const struct row plain[] = {
    {.name = "no TLS", .want = RIA_CHANNEL_PLAIN, .missing = encrypt},
    {.name = "skip-ssl", .want = RIA_CHANNEL_PLAIN, .missing = "TLS options, and remove skip-ssl"},
    {.name = "a CA without verification",
     .ssl_ca = ca,
     .want = RIA_CHANNEL_PLAIN,
     .missing = encrypt},
    {.name = "verification on: the server asks for the password before TLS has started",
     .on = 1,
     .ssl_ca = ca,
     .want = RIA_CHANNEL_PLAIN,
     .missing = "the server asked for it before TLS was up"},
    {.name = "default-auth: the library calls the plugin before TLS has started",
     .default_auth = "mysql_clear_password",
     .ssl_ca = ca,
     .on = 1,
     .want = RIA_CHANNEL_PLAIN,
     .missing = "remove default-auth=mysql_clear_password"},
    {.name = "another default-auth",
     .default_auth = "dialog",
     .want = RIA_CHANNEL_PLAIN,
     .missing = encrypt},
};

/* -- verification on ------------------------------------------------------------------------ */

static const struct row on[] = {
    {.name = "3.1 to 3.4.0 with a CA", .on = 1, .ssl_ca = ca, .want = RIA_CHANNEL_VERIFIED},
    {.name = "3.1 to 3.4.0 with a CA directory",
     .on = 1,
     .ssl_capath = ca,
     .want = RIA_CHANNEL_VERIFIED},
    {.name = "without a CA: releases up to 3.1.8 check no name",
     .on = 1,
     .want = RIA_CHANNEL_CHAIN_VERIFIED,
     .missing = "without ssl-ca some versions of this library skip the host name check, so set "
                "ssl-ca to the file "},
    {.name = "GnuTLS, with a CA",
     .on = 1,
     .ssl_ca = ca,
     .library = "GnuTLS 3.7.9",
     .want = RIA_CHANNEL_VERIFIED},
    {.name = "a loopback address",
     .on = 1,
     .ssl_ca = ca,
     .host = "127.0.0.1",
     .want = RIA_CHANNEL_CHAIN_VERIFIED},
    {.name = "a loopback address, no CA",
     .on = 1,
     .host = "::1",
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = encrypt},

    {.name = "3.4.1, valid",
     .on = 1,
     .has_status = true,
     .ssl_ca = ca,
     .want = RIA_CHANNEL_VERIFIED},
    {.name = "3.4.1, valid with the system's CAs",
     .on = 1,
     .has_status = true,
     .want = RIA_CHANNEL_VERIFIED},
    {.name = "3.4.1, not trusted",
     .on = 1,
     .has_status = true,
     .status = 1,
     .ssl_ca = ca,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = other_ca},
    {.name = "3.4.1, the certificate has another name",
     .on = 1,
     .has_status = true,
     .status = 2,
     .ssl_ca = ca,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = other_name},
    {.name = "3.4.1, the certificate has another name, no CA",
     .on = 1,
     .has_status = true,
     .status = 2,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = other_name},
    {.name = "3.4.1, not trusted, and with another name",
     .on = 1,
     .has_status = true,
     .status = 3,
     .ssl_ca = ca,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = other_ca},
    {.name = "3.4.1, not trusted, and with another name, no CA",
     .on = 1,
     .has_status = true,
     .status = 3,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = encrypt},
    {.name = "3.4.1, expired: the status bit that the library's header defines for this",
     .on = 1,
     .has_status = true,
     .status = 8,
     .ssl_ca = ca,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = other_ca},
    {.name = "3.4.1, not trusted, no CA",
     .on = 1,
     .has_status = true,
     .status = 1,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = encrypt},
    {.name = "3.4.1, 127.0.0.1: the chain alone",
     .on = 1,
     .has_status = true,
     .ssl_ca = ca,
     .host = "127.0.0.1",
     .want = RIA_CHANNEL_CHAIN_VERIFIED},
    {.name = "3.4.1, ::1: the chain alone",
     .on = 1,
     .has_status = true,
     .ssl_ca = ca,
     .host = "::1",
     .want = RIA_CHANNEL_CHAIN_VERIFIED},
    {.name = "3.4.1, 127.0.0.1 without a CA: the status is good although nothing was checked",
     .on = 1,
     .has_status = true,
     .host = "127.0.0.1",
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = encrypt},
    {.name = "3.4.1, 127.0.0.1, not trusted",
     .on = 1,
     .has_status = true,
     .status = 1,
     .ssl_ca = ca,
     .host = "127.0.0.1",
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = other_ca},
    {.name = "3.4.1, localhost: the name is checked",
     .on = 1,
     .has_status = true,
     .ssl_ca = ca,
     .host = "localhost",
     .want = RIA_CHANNEL_VERIFIED},
    {.name = "3.4.1, another loopback address: the name is checked",
     .on = 1,
     .has_status = true,
     .ssl_ca = ca,
     .host = "127.0.0.2",
     .want = RIA_CHANNEL_VERIFIED},
};

/* -- verification off ----------------------------------------------------------------------- */

static const struct row off[] = {
    {.name = "OpenSSL with a CA file: the chain alone",
     .library = "OpenSSL 3.0.11",
     .ssl_ca = ca,
     .want = RIA_CHANNEL_CHAIN_VERIFIED,
     .missing = verify},
    {.name = "OpenSSL with a CA directory: the chain alone",
     .library = "OpenSSL 3.0.11",
     .ssl_capath = ca,
     .want = RIA_CHANNEL_CHAIN_VERIFIED,
     .missing = verify},
    {.name = "GnuTLS accepts an unknown CA",
     .library = "GnuTLS 3.7.9",
     .ssl_ca = ca,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = verify},
    {.name = "an unknown TLS library",
     .library = "wolfSSL 5",
     .ssl_ca = ca,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = verify},
    {.name = "a TLS library that is not reported",
     .ssl_ca = ca,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = verify},
    {.name = "OpenSSL without a CA",
     .library = "OpenSSL 3.0.11",
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = encrypt},
    {.name = "3.4.1: a good status does not mean that the server was verified",
     .has_status = true,
     .library = "OpenSSL 3.5",
     .ssl_ca = ca,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = verify},
    {.name = "3.4.1, no CA",
     .has_status = true,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = encrypt},
    {.name = "a library that does not report whether verification is on",
     .option_result = 1,
     .on = 1,
     .library = "OpenSSL 3.0.11",
     .ssl_ca = ca,
     .want = RIA_CHANNEL_CHAIN_VERIFIED,
     .missing = verify},
};

/* -- cipher suites that only ssl-cipher can select ------------------------------------------ */

#define NO_CIPHER "ssl-cipher allows cipher suites that do not encrypt, or that need no certificate"
#define PLAIN_CIPHER(suite)                                                                        \
    {                                                                                              \
        .name = (suite), .cipher = (suite), .on = 1, .ssl_ca = ca, .want = RIA_CHANNEL_PLAIN,      \
        .missing = NO_CIPHER,                                                                      \
    }
#define ANONYMOUS_CIPHER(suite)                                                                    \
    {                                                                                              \
        .name = (suite), .cipher = (suite), .library = "OpenSSL 3.0.11", .ssl_ca = ca,             \
        .want = RIA_CHANNEL_UNVERIFIED, .missing = NO_CIPHER,                                      \
    }

static const struct row ciphers[] = {
    PLAIN_CIPHER("NULL-SHA256"),
    PLAIN_CIPHER("ECDHE-RSA-NULL-SHA"),
    PLAIN_CIPHER("AECDH-NULL-SHA"),
    PLAIN_CIPHER("TLS_SHA256_SHA256"),
    PLAIN_CIPHER("TLS_SHA384_SHA384"),
    PLAIN_CIPHER("TLS_RSA_NULL_SHA256"), /* GnuTLS */
    ANONYMOUS_CIPHER("ADH-AES256-GCM-SHA384"),
    ANONYMOUS_CIPHER("AECDH-AES256-SHA"),
    ANONYMOUS_CIPHER("TLS_DH_ANON_AES_256_GCM_SHA384"), /* GnuTLS */
    {.name = "control: a usual suite",
     .cipher = "ECDHE-RSA-AES256-GCM-SHA384",
     .on = 1,
     .ssl_ca = ca,
     .want = RIA_CHANNEL_VERIFIED},
};

static void check_rows(bool tls, const struct row *rows, size_t count)
{
    static struct ria_fake_mariadb fake;
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        char host[64];
        const char *missing = NULL;
        ria_fake_mariadb_init(&fake);
        fake.tls = tls;
        fake.cipher = row->cipher;
        fake.option_result = row->option_result;
        fake.is_verification_on = row->on;
        fake.has_status = row->has_status;
        fake.status = row->status;
        fake.tls_library = row->library;
        fake.default_auth = row->default_auth;
        fake.mysql.options.ssl_ca = row->ssl_ca;
        fake.mysql.options.ssl_capath = row->ssl_capath;
        (void)snprintf(host, sizeof(host), "%s", row->host == NULL ? "db.example" : row->host);
        fake.mysql.host = host;
        expect_number(row->name, ria_mariadb_channel(&fake.mysql, &missing), row->want);
        if (row->missing != NULL) {
            expect_piece(row->name, missing, row->missing);
        }
        expect(row->name, missing != NULL);
        expect_number(row->name, fake.packets + fake.reads + fake.error_count, 0);
    }
}

static void without_tls_the_channel_is_plain(void **state)
{
    (void)state;
    check_rows(false, plain, RIA_COUNT(plain));
}

static void enabled_verification_depends_on_status_host_and_ca(void **state)
{
    (void)state;
    check_rows(true, on, RIA_COUNT(on));
}

static void disabled_verification_never_checks_the_name(void **state)
{
    (void)state;
    check_rows(true, off, RIA_COUNT(off));
}

static void a_null_cipher_suite_is_plain_and_an_anonymous_one_unverified(void **state)
{
    (void)state;
    check_rows(true, ciphers, RIA_COUNT(ciphers));
}

/* The plugin searches the object that contains the library's functions for the text
 * MARIADB_TLS_DISABLE_PEER_VERIFICATION. Here this object is the test program, which contains the
 * text, so the plugin must assume that the library reads the variable. test_skip_variable.c tests
 * the other libraries. */
static void a_server_is_unverified_if_the_library_may_skip_verification(void **state)
{
    (void)state;
    static struct ria_fake_mariadb fake;
    static const char *const values[] = {"1", "0", ""};
    const char *missing = NULL;
    for (size_t i = 0; i < RIA_COUNT(values) * 4; i++) {
        ria_fake_mariadb_init(&fake);
        fake.tls = true;
        fake.is_verification_on = i % 2 == 0 ? 1 : 0;
        fake.has_status = i % 4 < 2;
        fake.tls_library = "OpenSSL 3.0.11";
        fake.mysql.options.ssl_ca = ca;
        (void)setenv("MARIADB_TLS_DISABLE_PEER_VERIFICATION", values[i / 4], 1);
        assert_int_equal(ria_mariadb_channel(&fake.mysql, &missing), RIA_CHANNEL_UNVERIFIED);
        assert_string_equal(
            missing,
            "MARIADB_TLS_DISABLE_PEER_VERIFICATION is set, so this library verifies no "
            "certificate; unset it");
        fake.tls = false;
        assert_int_equal(ria_mariadb_channel(&fake.mysql, &missing), RIA_CHANNEL_PLAIN);
    }
    (void)unsetenv("MARIADB_TLS_DISABLE_PEER_VERIFICATION");
    fake.tls = true;
    fake.is_verification_on = 1;
    assert_int_equal(ria_mariadb_channel(&fake.mysql, &missing), RIA_CHANNEL_VERIFIED);
}

static void a_connection_without_a_host_is_not_local(void **state)
{
    (void)state;
    static struct ria_fake_mariadb fake;
    const char *missing = NULL;
    ria_fake_mariadb_init(&fake);
    fake.tls = true;
    fake.is_verification_on = 1;
    fake.has_status = true;
    fake.mysql.options.ssl_ca = ca;
    fake.mysql.host = NULL;
    assert_int_equal(ria_mariadb_channel(&fake.mysql, &missing), RIA_CHANNEL_VERIFIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_tls_the_channel_is_plain),
        cmocka_unit_test(enabled_verification_depends_on_status_host_and_ca),
        cmocka_unit_test(disabled_verification_never_checks_the_name),
        cmocka_unit_test(a_null_cipher_suite_is_plain_and_an_anonymous_one_unverified),
        cmocka_unit_test(a_server_is_unverified_if_the_library_may_skip_verification),
        cmocka_unit_test(a_connection_without_a_host_is_not_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
