/* SPDX-License-Identifier: MIT
 *
 * Host names: region, kind, partition, and the message for each kind of name that gives no region.
 * Also the form of a region, and texts of the form HOST:PORT. */
#include "aws/endpoint.h"

#include "unit.h"
#include "vectors.h"

static void every_host_of_the_vectors_gives_its_region_or_is_refused(void **state)
{
    (void)state;
    json_t *root = ria_vectors_load("endpoints.json");
    json_t *cases = json_object_get(root, "cases");
    size_t i;
    json_t *row;
    assert_int_equal(json_array_size(cases), 36);
    json_array_foreach(cases, i, row)
    {
        const char *host = ria_vector_need(row, "host");
        const char *region = ria_vector_text(row, "region");
        struct ria_endpoint endpoint;
        struct ria_error err = {0};
        enum ria_outcome outcome = ria_endpoint_parse(host, &endpoint, &err);
        if (region == NULL) {
            expect(host, outcome != RIA_FOUND);
            expect_text(host, endpoint.region, "");
            expect_number(host, err.code, RIA_E_ENDPOINT);
        } else {
            expect_number(host, outcome, RIA_FOUND);
            expect_text(host, endpoint.region, region);
        }
    }
    json_decref(root);
}

static void the_host_name_determines_kind_and_partition(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *host;
        enum ria_endpoint_kind kind;
        const char *partition;
    } rows[] = {
        {"an instance", "db.abc.us-east-1.rds.amazonaws.com", RIA_ENDPOINT_INSTANCE, "aws"},
        {"a cluster", "c.cluster-abc.us-east-1.rds.amazonaws.com", RIA_ENDPOINT_CLUSTER, "aws"},
        {"the reader of a cluster",
         "c.cluster-ro-abc.us-east-1.rds.amazonaws.com",
         RIA_ENDPOINT_CLUSTER_READER,
         "aws"},
        {"a custom endpoint",
         "c.cluster-custom-abc.us-east-1.rds.amazonaws.com",
         RIA_ENDPOINT_CLUSTER_CUSTOM,
         "aws"},
        {"a proxy", "p.proxy-abc.us-east-1.rds.amazonaws.com", RIA_ENDPOINT_PROXY, "aws"},
        {"a proxy's further endpoint",
         "e.endpoint.proxy-abc.us-east-1.rds.amazonaws.com",
         RIA_ENDPOINT_PROXY,
         "aws"},
        {"Limitless",
         "l.shardgrp-abc.us-east-1.rds.amazonaws.com",
         RIA_ENDPOINT_SHARD_GROUP,
         "aws"},
        {"China", "db.abc.rds.cn-north-1.amazonaws.com.cn", RIA_ENDPOINT_INSTANCE, "aws-cn"},
        {"GovCloud", "db.abc.us-gov-west-1.rds.amazonaws.com", RIA_ENDPOINT_INSTANCE, "aws-us-gov"},
        {"the European cloud",
         "db.abc.eusc-de-east-1.rds.amazonaws.eu",
         RIA_ENDPOINT_INSTANCE,
         "aws-eusc"},
        {"ISO", "db.abc.rds.us-iso-east-1.c2s.ic.gov", RIA_ENDPOINT_INSTANCE, "aws-iso"},
        {"ISOB", "db.abc.rds.us-isob-east-1.sc2s.sgov.gov", RIA_ENDPOINT_INSTANCE, "aws-iso-b"},
        {"ISOE", "db.abc.eu-isoe-west-1.rds.cloud.adc-e.uk", RIA_ENDPOINT_INSTANCE, "aws-iso-e"},
        {"ISOF", "db.abc.us-isof-south-1.rds.csp.hci.ic.gov", RIA_ENDPOINT_INSTANCE, "aws-iso-f"},
        {"a region with two digits",
         "db.abc.ap-south-12.rds.amazonaws.com",
         RIA_ENDPOINT_INSTANCE,
         "aws"},
        {"Aurora DSQL", "abc0def1baz2.dsql.us-east-1.on.aws", RIA_ENDPOINT_DSQL, "aws"},
        {"Aurora DSQL by PrivateLink",
         "abc0def1baz2.dsql-fnh4.us-east-1.on.aws",
         RIA_ENDPOINT_DSQL,
         "aws"},
    };
    for_each_row(row, rows, row->name) {
        struct ria_endpoint endpoint;
        struct ria_error err;
        expect_number(row->name, ria_endpoint_parse(row->host, &endpoint, &err), RIA_FOUND);
        expect_number(row->name, endpoint.kind, row->kind);
        expect_text(row->name, endpoint.partition, row->partition);
    }
}

static void each_name_without_a_region_is_refused_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *host;
        enum ria_outcome outcome;
        const char *piece;
    } rows[] = {
        {"a global endpoint",
         "g.global-abc.global.rds.amazonaws.com",
         RIA_ABSENT,
         "is an Aurora global endpoint, whose name has no region; name the endpoint of its "
         "writer cluster in two lines: [g.global-abc.global.rds.amazonaws.com], then endpoint = "
         "ENDPOINT:PORT"},
        {"a GovCloud region in another partition",
         "db.abc.rds.us-gov-west-1.c2s.ic.gov",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"Aurora DSQL without an id",
         "dsql.us-east-1.on.aws",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"Aurora DSQL with a further label",
         "a.id.dsql.us-east-1.on.aws",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"Aurora DSQL without a region", "id.dsql.on.aws", RIA_ABSENT, "is not an RDS endpoint"},
        {"Aurora DSQL in another order",
         "id.us-east-1.dsql.on.aws",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"Aurora DSQL with an invalid region",
         "id.dsql.east1.on.aws",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"a service whose name begins with dsql",
         "id.dsqlx.us-east-1.on.aws",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"PrivateLink without its suffix",
         "id.dsql-.us-east-1.on.aws",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"the name of a VPC endpoint, which no certificate contains",
         "vpce-01.dsql-fnh4.us-east-1.vpce.amazonaws.com",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"Aurora DSQL with the suffix of RDS",
         "id.dsql.us-east-1.amazonaws.com",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"RDS with the suffix of Aurora DSQL",
         "db.abc.us-east-1.rds.on.aws",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"text after the suffix of Aurora DSQL",
         "id.dsql.us-east-1.on.aws.evil.example",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"a name in another domain",
         "db.example.com",
         RIA_ABSENT,
         "db.example.com is not an RDS endpoint: "
         "check the spelling, or use the endpoint's own name (for a tunnel, map it in /etc/hosts); "
         "to accept any RDS server, add 3 lines: [db.example.com], then endpoint = "
         "ENDPOINT:ITS_PORT, then tls = verify-ca"},
        {"localhost",
         "localhost",
         RIA_ABSENT,
         "localhost is not an RDS endpoint; a client that is given no host uses localhost: give it "
         "the endpoint's own name (for a tunnel, map it in /etc/hosts); to accept any RDS server, "
         "add 3 lines: [localhost], then endpoint = ENDPOINT:ITS_PORT, then tls = verify-ca"},
        {"an address", "10.0.0.5", RIA_ABSENT, "10.0.0.5 is not an RDS endpoint"},
        {"a name with text after the suffix",
         "db.abc.us-east-1.rds.amazonaws.com.evil.example",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"a suffix without its dot",
         "db.abc.us-east-1.rds.evilamazonaws.com",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"an empty label", "db..us-east-1.rds.amazonaws.com", RIA_ABSENT, "is not an RDS endpoint"},
        {"a leading dot", ".abc.us-east-1.rds.amazonaws.com", RIA_ABSENT, "is not an RDS endpoint"},
        {"an invalid region",
         "db.abc.east1.rds.amazonaws.com",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"more labels than an RDS name has",
         "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.us-east-1.rds.amazonaws.com",
         RIA_ABSENT,
         "is not an RDS endpoint"},
        {"nothing", "", RIA_FAILED, "\"\" is not a host name"},
        {"a dot", ".", RIA_ABSENT, ". is not an RDS endpoint"},
        {"a blank", "db example", RIA_FAILED, "\"db example\" is not a host name"},
        {"a URL",
         "https://db.abc.us-east-1.rds.amazonaws.com",
         RIA_FAILED,
         "a URL is not a host name; give db.abc.us-east-1.rds.amazonaws.com"},
        {"a URL with a password and a port",
         "postgres://u:p@db.abc.us-east-1.rds.amazonaws.com:5432/shop",
         RIA_FAILED,
         "a URL is not a host name; give db.abc.us-east-1.rds.amazonaws.com"},
        {"a URL whose host is not certain",
         "postgres://u:p/@x@db.abc.us-east-1.rds.amazonaws.com",
         RIA_FAILED,
         "a URL is not a host name; give the endpoint's name alone"},
        {"a query", "db.abc.us-east-1.rds.amazonaws.com/?x=", RIA_FAILED, "is not a host name"},
        {"a line break", "db\nX: y", RIA_FAILED, "\"db?X: y\" is not a host name"},
        {"letters of another alphabet", "d\xc3\xbc.example", RIA_FAILED, "is not a host name"},
        {"a host and a port",
         "db.example:3306",
         RIA_FAILED,
         "\"db.example:3306\" is not a host name; give the endpoint's name alone, and the port "
         "3306 in its setting (--port, port=)"},
        {"two ports", "db.example:1:2", RIA_FAILED, "is not a host name"},
        {"an IPv6 address", "FE80::1", RIA_ABSENT, "fe80::1 is not an RDS endpoint"},
        {"a percent sign", "fe80::1%eth0", RIA_FAILED, "is not a host name"},
    };
    for_each_row(row, rows, row->name) {
        struct ria_endpoint endpoint;
        struct ria_error err = {0};
        expect_number(row->name, ria_endpoint_parse(row->host, &endpoint, &err), row->outcome);
        expect_piece(row->name, err.text, row->piece);
        expect_number(row->name, err.code, RIA_E_ENDPOINT);
    }
}

static void case_and_one_trailing_dot_are_ignored(void **state)
{
    (void)state;
    struct ria_endpoint endpoint;
    struct ria_error err;
    assert_int_equal(
        ria_endpoint_parse("DB.Abc.US-East-1.RDS.amazonaws.COM.", &endpoint, &err), RIA_FOUND);
    assert_string_equal(endpoint.host, "db.abc.us-east-1.rds.amazonaws.com");
    assert_int_equal(
        ria_endpoint_parse("db.abc.us-east-1.rds.amazonaws.com..", &endpoint, &err), RIA_ABSENT);
}

static void the_longest_host_is_accepted_and_one_byte_more_rejected(void **state)
{
    (void)state;
    char host[RIA_HOST_SIZE + 1];
    struct ria_endpoint endpoint;
    struct ria_error err;
    memset(host, 'a', sizeof(host));
    host[RIA_HOST_SIZE - 1] = '\0';
    assert_int_equal(ria_endpoint_parse(host, &endpoint, &err), RIA_ABSENT);
    assert_string_equal(endpoint.host, host);
    host[RIA_HOST_SIZE - 1] = 'a';
    host[RIA_HOST_SIZE] = '\0';
    assert_int_equal(ria_endpoint_parse(host, &endpoint, &err), RIA_FAILED);
}

#define STEM "db.abc.us-east-1.rds"
#define WRITE " is not an RDS endpoint, but nearly one; write " STEM ".amazonaws.com"
#define COMPARE " is not an RDS endpoint, but nearly one; compare it with the form NAME.ID."

static void a_misspelled_endpoint_is_recognized(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *host;
        const char *piece;
    } rows[] = {
        {"another domain", STEM ".amazonaws.co", STEM ".amazonaws.co" WRITE},
        {"a missing letter", STEM ".amazonas.com", WRITE},
        {"two typos", STEM ".amzonaws.cmo", WRITE},
        {"letters in the wrong order", STEM ".amazonaws.ocm", WRITE},
        {"a suffix that ends early", STEM ".amazonaws", WRITE},
        {"no suffix", STEM, WRITE},
        {"rds misspelled", "db.abc.us-east-1.rsd.amazonaws.com", WRITE},
        {"a region without its last dash",
         "db.abc.us-east1.rds.amazonaws.com",
         COMPARE "REGION.rds.amazonaws.com, where"},
        {"a region without its number",
         "db.abc.us-east.rds.amazonaws.com",
         COMPARE "REGION.rds.amazonaws.com, where"},
        {"a region of China without its last dash",
         "db.abc.rds.cn-north1.amazonaws.com.cn",
         COMPARE "rds.REGION.amazonaws.com.cn, where"},
        {"a region of another partition without its last dash",
         "db.abc.us-iso-east1.rsd.c2s.ic.gov",
         COMPARE "REGION.rds.c2s.ic.gov, where"},
        {"China",
         "db.abc.rds.cn-north-1.amazonaws.com.c",
         "write db.abc.rds.cn-north-1.amazonaws.com.cn"},
        {"China with the suffix of the other regions",
         "db.abc.cn-north-1.rds.amazonaws.cmo.cn",
         "write db.abc.cn-north-1.rds.amazonaws.com.cn"},
        {"a global endpoint",
         "g.global-abc.global.rds.amazonaws.con",
         "write g.global-abc.global.rds.amazonaws.com"},
        {"Aurora DSQL", "id.dsql.us-east-1.on.asw", "write id.dsql.us-east-1.on.aws"},
        {"control: three typos", STEM ".amazns.cmo", ""},
        {"control: a load balancer", "a.elb.us-east-1.amazonaws.com", ""},
        {"control: another API of AWS", "ds.us-east-1.amazonaws.com", ""},
        {"control: an endpoint without its id", "db.us-east-1.rds.amazonaws.com", ""},
        {"control: rds before the suffix of Aurora DSQL", "db.abc.us-east-1.rds.on.aws", ""},
        {"control: another domain with rds", "db.rds.example.com", ""},
        {"control: text after the suffix", STEM ".amazonaws.com.evil.example", ""},
        {"control: an endpoint", STEM ".amazonaws.com", ""},
        {"control: an address", "127.0.0.1", ""},
        {"control: one label", "localhost", ""},
    };
    for_each_row(row, rows, row->name) {
        struct ria_endpoint endpoint;
        struct ria_error err = {0};
        ria_endpoint_read(row->host, &endpoint);
        bool is_near = ria_endpoint_is_near(&endpoint, &err);
        expect_number(row->name, is_near, strncmp(row->name, "control", 7) != 0);
        expect_piece(row->name, err.text, row->piece);
    }
}

static void reading_and_then_judging_a_host_gives_the_result_of_parsing_it(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *host;
        enum ria_endpoint_kind kind;
        bool is_database;
        enum ria_outcome outcome;
    } rows[] = {
        {"an instance",
         "DB.abc.us-east-1.rds.amazonaws.com.",
         RIA_ENDPOINT_INSTANCE,
         true,
         RIA_FOUND},
        {"a global endpoint",
         "g.global-abc.global.rds.amazonaws.com",
         RIA_ENDPOINT_GLOBAL,
         true,
         RIA_ABSENT},
        {"another name", "db.example", RIA_ENDPOINT_OTHER, false, RIA_ABSENT},
        {"an address", "::1", RIA_ENDPOINT_OTHER, false, RIA_ABSENT},
        {"DSQL", "ABC.dsql.us-east-1.on.aws.", RIA_ENDPOINT_DSQL, true, RIA_FOUND},
        {"a socket", "/run/mysqld.sock", RIA_ENDPOINT_NO_NAME, false, RIA_FAILED},
        {"a URL", "https://db.example/", RIA_ENDPOINT_NO_NAME, false, RIA_FAILED},
        {"nothing", "", RIA_ENDPOINT_NO_NAME, false, RIA_FAILED},
    };
    for_each_row(row, rows, row->name) {
        struct ria_endpoint endpoint;
        struct ria_endpoint parsed;
        struct ria_error judged = {0};
        struct ria_error at_once = {0};
        ria_endpoint_read(row->host, &endpoint);
        expect_number(row->name, endpoint.kind, row->kind);
        expect_number(row->name, ria_endpoint_is_database(&endpoint), row->is_database);
        expect_number(
            row->name, ria_endpoint_judge(&endpoint, row->host, 0, &judged), row->outcome);
        expect_number(row->name, ria_endpoint_parse(row->host, &parsed, &at_once), row->outcome);
        expect_text(row->name, parsed.host, endpoint.host);
        if (row->outcome != RIA_FOUND) {
            expect_text(row->name, judged.text, at_once.text);
        }
    }
}

static void the_form_of_a_region_is_checked(void **state)
{
    (void)state;
    static const char *const good[] = {
        "us-east-1",
        "eu-central-2",
        "us-gov-west-1",
        "eusc-de-east-1",
        "us-isob-east-1",
        "ap-southeast-12",
        "il-central-1"};
    static const char *const bad[] = {
        "",
        "us",
        "us-east",
        "us-east-",
        "us-east-x",
        "us-east-123",
        "us-1",
        "u-east-1",
        "europe-west-1",
        "US-EAST-1",
        "us--east-1",
        "us-east-1 ",
        "us-east-1/x",
        "us-e4st-1",
        "-us-east-1",
        "rds",
        "global",
        "us-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-1"};
    for_each_row(text, good, *text) {
        expect(*text, ria_region_is_plausible(*text));
    }
    for_each_row(row, bad, *row) {
        expect(*row, !ria_region_is_plausible(*row));
    }
}

static void only_a_text_of_the_form_host_port_is_split(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        const char *host; /* NULL: refused */
        uint16_t port;
    } rows[] = {
        {"a name", "db.example:3306", "db.example", 3306},
        {"an IPv6 address in brackets", "[::1]:3306", "::1", 3306},
        {"an IPv4 address", "127.0.0.1:1", "127.0.0.1", 1},
        {"no port", "db.example", NULL, 0},
        {"an empty port", "db.example:", NULL, 0},
        {"no host", ":3306", NULL, 0},
        {"an IPv6 address without brackets", "::1:3306", NULL, 0},
        {"an IPv6 address without a port", "[::1]", NULL, 0},
        {"an open bracket", "[::1:3306", NULL, 0},
        {"empty brackets", "[]:3306", NULL, 0},
        {"text between bracket and colon", "[::1]x:3306", NULL, 0},
        {"port 0", "db.example:0", NULL, 0},
        {"a port too large", "db.example:65536", NULL, 0},
        {"nothing", "", NULL, 0},
        {"a colon", ":", NULL, 0},
    };
    for_each_row(row, rows, row->name) {
        char host[RIA_HOST_SIZE] = "untouched";
        uint16_t port = 7;
        bool split = ria_endpoint_split(row->text, host, &port);
        expect_number(row->name, split, row->host != NULL);
        expect_text(row->name, host, split ? row->host : "untouched");
        expect_number(row->name, port, split ? row->port : 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_host_of_the_vectors_gives_its_region_or_is_refused),
        cmocka_unit_test(the_host_name_determines_kind_and_partition),
        cmocka_unit_test(each_name_without_a_region_is_refused_with_its_reason),
        cmocka_unit_test(case_and_one_trailing_dot_are_ignored),
        cmocka_unit_test(the_longest_host_is_accepted_and_one_byte_more_rejected),
        cmocka_unit_test(a_misspelled_endpoint_is_recognized),
        cmocka_unit_test(reading_and_then_judging_a_host_gives_the_result_of_parsing_it),
        cmocka_unit_test(the_form_of_a_region_is_checked),
        cmocka_unit_test(only_a_text_of_the_form_host_port_is_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
