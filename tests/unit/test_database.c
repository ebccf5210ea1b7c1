/* SPDX-License-Identifier: MIT
 *
 * The database of a login, as an IAM policy names it: the endpoint, its kind, region and partition.
 */
#include "rds_iam.h"

#include "fake_world.h"
#include "unit.h"

#define HOST "db.abc.eu-west-1.rds.amazonaws.com"
#define CLUSTER "db.cluster-abc.eu-west-1.rds.amazonaws.com"
#define GLOBAL "db.global-abc.global.rds.amazonaws.com"
#define TUNNEL "[127.0.0.1:13306]\nendpoint = " CLUSTER ":3306\n"

static void each_endpoint_has_its_kind_region_and_partition(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        enum ria_database_kind kind;
        const char *region;
        const char *partition;
    } rows[] = {
        {HOST, RIA_DATABASE_INSTANCE, "eu-west-1", "aws"},
        {"DB.abc.EU-west-1.rds.amazonaws.com.", RIA_DATABASE_INSTANCE, "eu-west-1", "aws"},
        {CLUSTER, RIA_DATABASE_CLUSTER, "eu-west-1", "aws"},
        {"db.cluster-ro-abc.us-gov-west-1.rds.amazonaws.com",
         RIA_DATABASE_CLUSTER,
         "us-gov-west-1",
         "aws-us-gov"},
        {"db.cluster-custom-abc.us-east-1.rds.amazonaws.com",
         RIA_DATABASE_CLUSTER,
         "us-east-1",
         "aws"},
        {"px.proxy-abc.us-east-2.rds.amazonaws.com", RIA_DATABASE_PROXY, "us-east-2", "aws"},
        {"abc0def1.dsql.us-east-2.on.aws", RIA_DATABASE_DSQL, "us-east-2", "aws"},
        {"abc0def1.dsql-fnh4.us-east-2.on.aws", RIA_DATABASE_DSQL, "us-east-2", "aws"},
        {"ro.endpoint.proxy-abc.us-east-2.rds.amazonaws.com",
         RIA_DATABASE_PROXY,
         "us-east-2",
         "aws"},
        {"db.shardgrp-abc.us-east-2.rds.amazonaws.com",
         RIA_DATABASE_SHARD_GROUP,
         "us-east-2",
         "aws"},
        {"db.abc.cn-north-1.rds.amazonaws.com.cn", RIA_DATABASE_INSTANCE, "cn-north-1", "aws-cn"},
        {"db.abc.rds.cn-northwest-1.amazonaws.com.cn",
         RIA_DATABASE_INSTANCE,
         "cn-northwest-1",
         "aws-cn"},
        {"db.abc.rds.us-iso-east-1.c2s.ic.gov", RIA_DATABASE_INSTANCE, "us-iso-east-1", "aws-iso"},
        {"db.abc.rds.us-isob-east-1.sc2s.sgov.gov",
         RIA_DATABASE_INSTANCE,
         "us-isob-east-1",
         "aws-iso-b"},
        {"db.abc.rds.eu-isoe-west-1.cloud.adc-e.uk",
         RIA_DATABASE_INSTANCE,
         "eu-isoe-west-1",
         "aws-iso-e"},
        {"db.abc.rds.us-isof-south-1.csp.hci.ic.gov",
         RIA_DATABASE_INSTANCE,
         "us-isof-south-1",
         "aws-iso-f"},
        {"db.abc.rds.eusc-de-east-1.amazonaws.eu",
         RIA_DATABASE_INSTANCE,
         "eusc-de-east-1",
         "aws-eusc"},
        {"db.abc.xx-new-1.rds.amazonaws.eu", RIA_DATABASE_INSTANCE, "xx-new-1", "aws-eusc"},
    };
    for_each_row(row, rows, row->host) {
        struct ria_fake fake;
        struct ria_error err = {0};
        struct ria_database found = {0};
        ria_fake_init(&fake);
        struct ria_login login = {.host = row->host, .user = "etl", .channel = RIA_CHANNEL_NONE};
        expect("found", ria_login_database(&login, &fake.world, &found, &err));
        expect_number("the kind", found.kind, row->kind);
        expect_text("the region", found.region, row->region);
        expect_text("the partition", found.partition, row->partition);
        expect("lower case", strpbrk(found.host, "DBEU") == NULL);
    }
}

static void a_mapped_host_stands_for_its_endpoint_and_mistakes_are_reported(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *config;
        const char *host;
        const char *region;
        unsigned port;
        const char *text; /* a part of the error; NULL: the cluster is found */
    } rows[] = {
        {"a section for the host and the port", TUNNEL, "127.0.0.1", NULL, 13306, NULL},
        {"a section for the host",
         "[db.example]\nendpoint = " CLUSTER ":3306\n",
         "DB.example",
         NULL,
         0,
         NULL},
        {"a section for the user",
         "[etl@db.example]\nendpoint = " CLUSTER ":3306\n",
         "db.example",
         NULL,
         0,
         NULL},
        {"another user",
         "[bob@db.example]\nendpoint = " CLUSTER ":3306\n",
         "db.example",
         NULL,
         3306,
         "[db.example:3306], then endpoint = ENDPOINT:ITS_PORT, then tls = verify-ca, in "
         "~/.config/rds-iam/config"},
        {"another port",
         TUNNEL,
         "127.0.0.1",
         NULL,
         13307,
         "[127.0.0.1:13307], then endpoint = ENDPOINT:ITS_PORT, then tls = verify-ca, in "
         "~/.config/rds-iam/config"},
        {"no port", TUNNEL, "127.0.0.1", NULL, 0, "; if the file has a section [HOST:PORT], also"},
        {"no section", "", "db.example", NULL, 0, "db.example is not an RDS endpoint"},
        {"no section, and a region",
         "",
         "db.example",
         "eu-west-1",
         3306,
         "[db.example:3306], then endpoint = ENDPOINT:ITS_PORT, then tls = verify-ca, in "
         "~/.config/rds-iam/config"},
        {"an endpoint of another service",
         "[db.example]\nendpoint = other.example:3306\nregion = eu-west-1\n",
         "db.example",
         NULL,
         0,
         ":2: other.example is not an RDS name"},
        {"an invalid file", "[db.example]\nend = 1\n", HOST, NULL, 0, ":2: unknown"},
        {"a region of another partition",
         "",
         HOST,
         "cn-north-1",
         0,
         "--region: cn-north-1 is not a region of the partition aws, to which " HOST " belongs"},
        {"a text that is not a region", "", HOST, "eu_west_1", 0, "is not a region"},
        {"a global endpoint without a region",
         "",
         GLOBAL,
         NULL,
         0,
         "[" GLOBAL "], then endpoint = ENDPOINT:PORT"},
        {"a global endpoint and a region of China", "", GLOBAL, "cn-north-1", 0, "partition aws"},
        {"Aurora DSQL with a region of another partition",
         "",
         "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws",
         "cn-north-1",
         0,
         "--region: cn-north-1 is not a region of the partition aws"},
        {"a text that is not a host name", "", "a b", NULL, 0, "is not a host name"},
        {"a name that contains an RDS name", "", HOST ".evil.example", NULL, 1, "evil.example is"},
    };
    for_each_row(row, rows, row->name) {
        struct ria_fake fake;
        struct ria_error err = {0};
        struct ria_database found = {0};
        ria_fake_init(&fake);
        ria_fake_file(&fake, RIA_FAKE_CONFIG, row->config);
        struct ria_login login = {
            .host = row->host, .port = row->port, .user = "etl", .region = row->region};
        bool is_found = ria_login_database(&login, &fake.world, &found, &err);
        expect_number(row->name, is_found, row->text == NULL);
        if (row->text == NULL) {
            expect_text("the endpoint", found.host, CLUSTER);
            expect_number("the kind", found.kind, RIA_DATABASE_CLUSTER);
        } else {
            expect_piece(row->name, err.text, row->text);
            expect_number(
                "the number of warnings",
                ria_fake_log_count(&fake, RIA_LOG_WARNING),
                strstr(row->name, "a region of another partition") != NULL);
        }
    }
}

static void a_global_endpoint_takes_the_region_of_the_login(void **state)
{
    (void)state;
    static const struct {
        const char *region;
        const char *partition;
    } rows[] = {{"eu-west-1", "aws"}, {"us-gov-east-1", "aws-us-gov"}};
    for_each_row(row, rows, row->region) {
        struct ria_fake fake;
        struct ria_error err = {0};
        struct ria_database found = {0};
        ria_fake_init(&fake);
        struct ria_login login = {.host = GLOBAL, .user = "etl", .region = row->region};
        expect("found", ria_login_database(&login, &fake.world, &found, &err));
        expect_number("the kind", found.kind, RIA_DATABASE_GLOBAL);
        expect_text("the region", found.region, row->region);
        expect_text("the partition", found.partition, row->partition);
    }
}

static void the_partitions_of_aws_are_known(void **state)
{
    (void)state;
    static const char *const known[] = {
        "aws",
        "aws-cn",
        "aws-us-gov",
        "aws-iso",
        "aws-iso-b",
        "aws-iso-e",
        "aws-iso-f",
        "aws-eusc"};
    static const char *const unknown[] = {"", "AWS", "aws-", "aws-eu", "amazon"};
    for_each_row(row, known, *row) {
        expect(*row, ria_partition_is_known(*row));
    }
    for_each_row(row, unknown, *row) {
        expect(*row, !ria_partition_is_known(*row));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_endpoint_has_its_kind_region_and_partition),
        cmocka_unit_test(a_mapped_host_stands_for_its_endpoint_and_mistakes_are_reported),
        cmocka_unit_test(a_global_endpoint_takes_the_region_of_the_login),
        cmocka_unit_test(the_partitions_of_aws_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
