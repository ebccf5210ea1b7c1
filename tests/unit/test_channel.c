/* SPDX-License-Identifier: MIT
 *
 * Every combination of what Connector/C tells about TLS, and what the plugin concludes. */
#include "fake_mariadb.h"
#include "unit.h"

static char ca[] = "/ca.pem";

struct row {
    const char *sentence;
    bool tls;
    int option_result;
    char on;
    bool has_status;
    unsigned status;
    const char *library;
    char *ssl_ca;
    char *ssl_capath;
    const char *host;
    const char *default_auth;
    enum ria_channel want;
    const char *missing; /* a piece of the setting that is named; NULL: nothing to name */
};

static const char verify[] = "add ssl-verify-server-cert=1";
static const char encrypt[] = "set ssl-ca=/path/to/global-bundle.pem and ssl-verify-server-cert=1";

static const struct row rows[] = {
    {.sentence = "no TLS", .want = RIA_CHANNEL_PLAIN, .missing = encrypt},
    {.sentence = "no TLS, although verification is on",
     .on = 1,
     .ssl_ca = ca,
     .want = RIA_CHANNEL_PLAIN,
     .missing = encrypt},
    {.sentence = "no TLS yet, because default-auth asks too early",
     .default_auth = "mysql_clear_password",
     .ssl_ca = ca,
     .on = 1,
     .want = RIA_CHANNEL_PLAIN,
     .missing = "remove default-auth=mysql_clear_password"},
    {.sentence = "no TLS, and another default-auth",
     .default_auth = "dialog",
     .want = RIA_CHANNEL_PLAIN,
     .missing = encrypt},

    {.sentence = "3.1 to 3.4.0, verification on",
     .tls = true,
     .on = 1,
     .want = RIA_CHANNEL_VERIFIED},
    {.sentence = "the same on an address of the own machine",
     .tls = true,
     .on = 1,
     .host = "127.0.0.1",
     .want = RIA_CHANNEL_VERIFIED},
    {.sentence = "the same with GnuTLS",
     .tls = true,
     .on = 1,
     .library = "GnuTLS 3.7.9",
     .want = RIA_CHANNEL_VERIFIED},

    {.sentence = "3.4.1, verification on, status good",
     .tls = true,
     .on = 1,
     .has_status = true,
     .want = RIA_CHANNEL_VERIFIED},
    {.sentence = "3.4.1, verification on, not trusted",
     .tls = true,
     .on = 1,
     .has_status = true,
     .status = 1,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = "its certificate does not come from the CA in ssl-ca"},
    {.sentence = "3.4.1, verification on, another name",
     .tls = true,
     .on = 1,
     .has_status = true,
     .status = 2,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = "its certificate does not come from the CA in ssl-ca"},
    {.sentence = "3.4.1, 127.0.0.1: the chain alone",
     .tls = true,
     .on = 1,
     .has_status = true,
     .host = "127.0.0.1",
     .want = RIA_CHANNEL_CHAIN_VERIFIED,
     .missing = "tls = verify-ca in ~/.config/rds-iam/config"},
    {.sentence = "3.4.1, ::1: the chain alone",
     .tls = true,
     .on = 1,
     .has_status = true,
     .host = "::1",
     .want = RIA_CHANNEL_CHAIN_VERIFIED,
     .missing = "dial the endpoint's own name"},
    {.sentence = "3.4.1, 127.0.0.1, not trusted",
     .tls = true,
     .on = 1,
     .has_status = true,
     .status = 1,
     .host = "127.0.0.1",
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = "its certificate does not come from the CA in ssl-ca"},
    {.sentence = "3.4.1, localhost: the name is checked",
     .tls = true,
     .on = 1,
     .has_status = true,
     .host = "localhost",
     .want = RIA_CHANNEL_VERIFIED},
    {.sentence = "3.4.1, another loopback address: the name is checked",
     .tls = true,
     .on = 1,
     .has_status = true,
     .host = "127.0.0.2",
     .want = RIA_CHANNEL_VERIFIED},

    {.sentence = "OpenSSL, a CA file, no verification: the chain alone",
     .tls = true,
     .library = "OpenSSL 3.0.11",
     .ssl_ca = ca,
     .want = RIA_CHANNEL_CHAIN_VERIFIED,
     .missing = verify},
    {.sentence = "OpenSSL, a CA directory, no verification: the chain alone",
     .tls = true,
     .library = "OpenSSL 3.0.11",
     .ssl_capath = ca,
     .want = RIA_CHANNEL_CHAIN_VERIFIED,
     .missing = verify},
    {.sentence = "GnuTLS lets an unknown CA pass",
     .tls = true,
     .library = "GnuTLS 3.7.9",
     .ssl_ca = ca,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = verify},
    {.sentence = "a TLS library that nobody knows",
     .tls = true,
     .library = "wolfSSL 5",
     .ssl_ca = ca,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = verify},
    {.sentence = "a TLS library that is not told",
     .tls = true,
     .ssl_ca = ca,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = verify},
    {.sentence = "OpenSSL without a CA",
     .tls = true,
     .library = "OpenSSL 3.0.11",
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = encrypt},
    {.sentence = "3.4.1, verification off: a good status says nothing",
     .tls = true,
     .has_status = true,
     .library = "OpenSSL 3.5",
     .ssl_ca = ca,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = verify},
    {.sentence = "3.4.1, verification off, no CA",
     .tls = true,
     .has_status = true,
     .want = RIA_CHANNEL_UNVERIFIED,
     .missing = encrypt},
    {.sentence = "a library that does not tell whether verification is on",
     .tls = true,
     .option_result = 1,
     .on = 1,
     .library = "OpenSSL 3.0.11",
     .ssl_ca = ca,
     .want = RIA_CHANNEL_CHAIN_VERIFIED,
     .missing = verify},
};

static void channels_are_what_the_library_says(void **state)
{
    (void)state;
    static struct ria_fake_mariadb fake;
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        char host[64];
        const char *missing = NULL;
        ria_fake_mariadb_init(&fake);
        fake.tls = row->tls;
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
        expect_number(row->sentence, ria_mariadb_channel(&fake.mysql, &missing), row->want);
        if (row->missing != NULL) {
            expect_piece(row->sentence, missing, row->missing);
        }
        expect(row->sentence, missing != NULL);
        expect_number(row->sentence, fake.packets + fake.reads + fake.error_count, 0);
    }
}

static void a_connection_without_a_host_is_not_the_own_machine(void **state)
{
    (void)state;
    static struct ria_fake_mariadb fake;
    const char *missing = NULL;
    ria_fake_mariadb_init(&fake);
    fake.tls = true;
    fake.is_verification_on = 1;
    fake.has_status = true;
    fake.mysql.host = NULL;
    assert_int_equal(ria_mariadb_channel(&fake.mysql, &missing), RIA_CHANNEL_VERIFIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_are_what_the_library_says),
        cmocka_unit_test(a_connection_without_a_host_is_not_the_own_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
