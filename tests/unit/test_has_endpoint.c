/* SPDX-License-Identifier: MIT
 *
 * ria_login_has_endpoint() decides for which hosts tokens are made. Plugins and preloads, which are
 * called for every server, use it to recognize the servers of RDS. Also tests
 * ria_login_certificate(), which returns what the server's certificate must prove.
 */
#include "rds_iam.h"

#include "fake_world.h"
#include "unit.h"

#define HOST "db.abc.eu-west-1.rds.amazonaws.com"
#define GLOBAL "db.global-abc.global.rds.amazonaws.com"
#define DSQL "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws"

static void rds_names_and_sections_have_an_endpoint(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *config; /* NULL: none */
        const char *host;
        enum ria_outcome outcome;
        const char *text; /* a part of the reason */
    } rows[] = {
        {"an RDS name", NULL, HOST, RIA_FOUND, NULL},
        {"an RDS name in another case, with a dot",
         NULL,
         "DB.abc.EU-west-1.rds.amazonaws.com.",
         RIA_FOUND,
         NULL},
        {"a global name, which contains no region", NULL, GLOBAL, RIA_FOUND, NULL},
        {"a name that contains an RDS name",
         NULL,
         HOST ".evil.example",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"another name",
         NULL,
         "db.example",
         RIA_ABSENT,
         "[db.example:3306], then endpoint = ENDPOINT:ITS_PORT, then tls = verify-ca, in "
         "~/.config/rds-iam/config"},
        {"an address",
         NULL,
         "127.0.0.1",
         RIA_ABSENT,
         "[127.0.0.1:3306], then endpoint = ENDPOINT:ITS_PORT"},
        {"a text that is not a host name", NULL, "a b", RIA_ABSENT, "is not a host name"},
        {"no host", NULL, NULL, RIA_ABSENT, "no host name was given"},
        {"a section with an endpoint",
         "[db.example]\nendpoint = " HOST ":3306\n",
         "DB.example",
         RIA_FOUND,
         NULL},
        {"a section for this port and user",
         "[etl@db.example:3306]\nendpoint = " HOST ":3306\n",
         "db.example",
         RIA_FOUND,
         NULL},
        {"a section for another user",
         "[bob@db.example]\nendpoint = " HOST ":3306\n",
         "db.example",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"a section without an endpoint",
         "[*.example]\nregion = eu-west-1\n",
         "db.example",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"an invalid file", "[db.example]\nend = 1\n", "db.example", RIA_FAILED, ":2: unknown"},
        {"an invalid file is not read for an RDS name", "[x]\nend = 1\n", HOST, RIA_FOUND, NULL},
        {"an invalid file is not read for a name of Aurora DSQL",
         "[x]\nend = 1\n",
         DSQL,
         RIA_FOUND,
         NULL},
    };
    for_each_row(row, rows, row->name) {
        struct ria_fake fake;
        struct ria_error err = {0};
        ria_fake_init(&fake);
        if (row->config != NULL) {
            ria_fake_file(&fake, RIA_FAKE_CONFIG, row->config);
        }
        struct ria_login login = {.host = row->host, .port = 3306, .user = "etl"};
        expect_number(row->name, ria_login_has_endpoint(&login, &fake.world, &err), row->outcome);
        if (row->text != NULL) {
            expect_piece(row->name, err.text, row->text);
        }
    }
}

static void a_mysql_client_gets_no_token_for_aurora_dsql(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *config; /* NULL: none */
        const char *host;
        bool is_mysql;
        enum ria_outcome outcome;
    } rows[] = {
        {"a PostgreSQL client", NULL, DSQL, false, RIA_FOUND},
        {"a MySQL client", NULL, DSQL, true, RIA_ABSENT},
        {"a MySQL client of an RDS server", NULL, HOST, true, RIA_FOUND},
        {"a MySQL client, and a section whose endpoint is Aurora DSQL",
         "[db.example]\nendpoint = " DSQL ":1\n",
         "db.example",
         true,
         RIA_ABSENT},
        {"a MySQL client, and a section that maps the DSQL name to an RDS server",
         "[" DSQL "]\nendpoint = " HOST ":1\n",
         DSQL,
         true,
         RIA_FOUND},
    };
    for_each_row(row, rows, row->name) {
        struct ria_fake fake;
        struct ria_error err = {0};
        struct ria_login_certificate certificate;
        ria_fake_init(&fake);
        if (row->config != NULL) {
            ria_fake_file(&fake, RIA_FAKE_CONFIG, row->config);
        }
        struct ria_login login = {
            .host = row->host, .port = 3306, .user = "etl", .is_mysql = row->is_mysql};
        expect_number(row->name, ria_login_has_endpoint(&login, &fake.world, &err), row->outcome);
        expect_number(
            row->name,
            ria_login_certificate(&login, &fake.world, &certificate, &err),
            row->outcome);
        if (row->outcome == RIA_ABSENT) {
            expect_text(
                row->name,
                err.text,
                DSQL " is an Aurora DSQL endpoint, which has the protocol of PostgreSQL; connect "
                     "with a PostgreSQL client");
        }
    }
}

static void each_login_has_its_requirements_for_the_certificate(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *config; /* NULL: none */
        const char *host;
        enum ria_outcome outcome;
        bool chain_suffices;
        bool is_public;
    } rows[] = {
        {"an RDS name", NULL, HOST, RIA_FOUND, false, false},
        {"an RDS Proxy", NULL, "p.proxy-abc.eu-west-1.rds.amazonaws.com", RIA_FOUND, false, true},
        {"Aurora DSQL", NULL, DSQL, RIA_FOUND, false, true},
        {"another name", NULL, "db.example", RIA_ABSENT, false, false},
        {"a section",
         "[db.example]\nendpoint = " HOST ":3306\n",
         "db.example",
         RIA_FOUND,
         false,
         false},
        {"a section that requires only the chain",
         "[db.example]\nendpoint = " HOST ":3306\ntls = verify-ca\n",
         "db.example",
         RIA_FOUND,
         true,
         false},
        {"a section whose endpoint is an RDS Proxy",
         "[db.example]\nendpoint = p.proxy-abc.eu-west-1.rds.amazonaws.com:3306\n",
         "db.example",
         RIA_FOUND,
         false,
         true},
        {"an RDS name, with an invalid configuration", "[", HOST, RIA_FOUND, false, false},
        {"another name, with an invalid configuration",
         "[",
         "db.example",
         RIA_FAILED,
         false,
         false},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        struct ria_fake fake;
        struct ria_error err = {0};
        struct ria_login_certificate certificate;
        ria_fake_init(&fake);
        if (rows[i].config != NULL) {
            ria_fake_file(&fake, RIA_FAKE_CONFIG, rows[i].config);
        }
        struct ria_login login = {.host = rows[i].host, .port = 3306};
        expect_number(
            rows[i].name,
            ria_login_certificate(&login, &fake.world, &certificate, &err),
            rows[i].outcome);
        expect_number(rows[i].name, certificate.chain_suffices, rows[i].chain_suffices);
        expect_text(
            rows[i].name, certificate.place, rows[i].chain_suffices ? RIA_FAKE_CONFIG ":3" : "");
        expect_number(rows[i].name, certificate.is_public, rows[i].is_public);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rds_names_and_sections_have_an_endpoint),
        cmocka_unit_test(a_mysql_client_gets_no_token_for_aurora_dsql),
        cmocka_unit_test(each_login_has_its_requirements_for_the_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
