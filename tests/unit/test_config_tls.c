/* SPDX-License-Identifier: MIT
 *
 * Endpoints in rds-iam's own configuration file: the sections that may contain tls = verify-ca, and
 * placeholders that the user did not replace. */
#include "config/config.h"

#include "fake_world.h"
#include "unit.h"

#define PLACE RIA_FAKE_CONFIG
#define NEEDS_ENDPOINT                                                                             \
    "tls = verify-ca needs an endpoint = HOST:PORT in this section; else use verify-full"

static bool load(const char *text, struct ria_config *config, struct ria_error *err)
{
    struct ria_fake fake;
    ria_fake_init(&fake);
    ria_fake_file(&fake, RIA_FAKE_CONFIG, text);
    return ria_config_load(&fake.world, config, err);
}

static void a_section_named_after_an_rds_endpoint_needs_no_endpoint_for_verify_ca(void **state)
{
    (void)state;
    static const struct {
        const char *section;
        const char *host; /* that the client connects to */
    } rows[] = {
        {"db.abcdefghijkl.eu-west-1.rds.amazonaws.com",
         "db.abcdefghijkl.eu-west-1.rds.amazonaws.com"},
        {"db.abcdefghijkl.eu-west-1.rds.amazonaws.com:3306",
         "db.abcdefghijkl.eu-west-1.rds.amazonaws.com"},
        {"u@db.abcdefghijkl.eu-west-1.rds.amazonaws.com:3306",
         "db.abcdefghijkl.eu-west-1.rds.amazonaws.com."},
        {"DB.cluster-abcdefghijkl.EU-WEST-1.rds.amazonaws.com.",
         "db.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com"},
        {"db.abcdefghijkl.rds.cn-north-1.amazonaws.com.cn",
         "db.abcdefghijkl.rds.cn-north-1.amazonaws.com.cn"},
        {"g.global-abcdefghijkl.global.rds.amazonaws.com",
         "g.global-abcdefghijkl.global.rds.amazonaws.com"},
    };
    for_each_row(row, rows, row->section) {
        RIA_AUTO(config) config = {0};
        RIA_AUTO(buf) text = {.max = 256};
        struct ria_error err = {0};
        struct ria_section target;
        ria_buf_addf(&text, "[%s]\ntls = verify-ca\n", row->section);
        if (!load(ria_buf_text(&text), &config, &err)) {
            fail_msg("%s: %s", row->section, err.text);
        }
        ria_config_match(&config, row->host, 3306, "u", &target);
        expect(row->section, target.chain_suffices && target.endpoint.value == NULL);
        ria_config_match(&config, "db.example", 3306, "u", &target);
        expect(row->section, !target.chain_suffices);
    }
}

static void verify_ca_is_refused_without_an_endpoint_and_for_a_public_ca(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        const char *want;
    } rows[] = {
        {"verify-ca without an endpoint", "[h]\ntls = verify-ca\n", PLACE ":1: " NEEDS_ENDPOINT},
        {"verify-ca for an address",
         "[10.0.0.1:3306]\ntls = verify-ca\n",
         PLACE ":1: " NEEDS_ENDPOINT},
        {"verify-ca for a name that only begins like an RDS name",
         "[db.abcdefghijkl.eu-west-1.rds.amazonaws.com.example]\ntls = verify-ca\n",
         PLACE ":1: " NEEDS_ENDPOINT},
        {"verify-ca for a DSQL endpoint, whose CA is public",
         "[x.dsql.eu-west-1.on.aws]\ntls = verify-ca\n",
         PLACE
         ":2: tls = verify-ca is not allowed for x.dsql.eu-west-1.on.aws: its certificate is of "
         "a public CA, which also issues certificates to other servers; remove the line, and use "
         "the endpoint's own name"},
        {"verify-ca for an RDS Proxy, whose CA is public",
         "[p.proxy-abcdefghijkl.us-gov-west-1.rds.amazonaws.com]\ntls = verify-ca\n",
         PLACE
         ":2: tls = verify-ca is not allowed for "
         "p.proxy-abcdefghijkl.us-gov-west-1.rds.amazonaws.com: its certificate is of "
         "a public CA, which also issues certificates to other servers; remove the line, and use "
         "the endpoint's own name"},
        {"verify-ca for a section that leads to an RDS Proxy",
         "[10.0.0.1:3306]\nendpoint = p.proxy-abcdefghijkl.us-gov-west-1.rds.amazonaws.com:1\n"
         "tls = verify-ca\n",
         PLACE
         ":3: tls = verify-ca is not allowed for "
         "p.proxy-abcdefghijkl.us-gov-west-1.rds.amazonaws.com: its certificate is of "
         "a public CA, which also issues certificates to other servers; remove the line, and use "
         "the endpoint's own name"},
        {"verify-ca for a section that leads to a DSQL endpoint",
         "[h]\nendpoint = x.dsql.eu-west-1.on.aws:1\ntls = verify-ca\n",
         PLACE
         ":3: tls = verify-ca is not allowed for x.dsql.eu-west-1.on.aws: its certificate is of "
         "a public CA, which also issues certificates to other servers; remove the line, and use "
         "the endpoint's own name"},
        {"verify-ca for all RDS names of a region",
         "[*.eu-west-1.rds.amazonaws.com]\ntls = verify-ca\n",
         PLACE ":1: endpoint and tls are not allowed in a section with a wildcard; name the host"},
        {"verify-ca for a wildcard that contains an RDS name",
         "[*.db.abcdefghijkl.eu-west-1.rds.amazonaws.com]\ntls = verify-ca\n",
         PLACE ":1: endpoint and tls are not allowed in a section with a wildcard; name the host"},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(config) config = {0};
        struct ria_error err = {0};
        expect(row->name, !load(row->text, &config, &err));
        expect_text(row->name, err.text, row->want);
        expect_number(row->name, err.code, RIA_E_CONFIG);
    }
}

static void placeholders_are_rejected(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *want; /* NULL: accepted */
    } rows[] = {
        {"[h]\nendpoint = POSTGRES_ENDPOINT:5432\n",
         PLACE ":2: POSTGRES_ENDPOINT is a placeholder; write the name of the RDS endpoint"},
        {"[h]\nendpoint = ENDPOINT:5432\n",
         PLACE ":2: ENDPOINT is a placeholder; write the name of the RDS endpoint"},
        {"[POSTGRES_ENDPOINT:15432]\n",
         PLACE ":1: [POSTGRES_ENDPOINT:15432] is not an address; write [host]"},
        {"[$PG]\n", PLACE ":1: [$PG] is not an address; write [host]"},
        {"[DBSERVER]\n[db_server]\n[Db_1:5432]\n", NULL},
        {"[h]\nendpoint = DB.ABC.eu-west-1.RDS.AMAZONAWS.COM:5432\n", NULL},
    };
    for_each_row(row, rows, row->text) {
        RIA_AUTO(config) config = {0};
        struct ria_error err = {0};
        expect_number(row->text, load(row->text, &config, &err), row->want == NULL);
        if (row->want != NULL) {
            expect_piece(row->text, err.text, row->want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_section_named_after_an_rds_endpoint_needs_no_endpoint_for_verify_ca),
        cmocka_unit_test(verify_ca_is_refused_without_an_endpoint_and_for_a_public_ca),
        cmocka_unit_test(placeholders_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
