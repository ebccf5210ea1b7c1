/* SPDX-License-Identifier: MIT
 *
 * Aliases (CNAME records): what rds-iam-fetch reads from a DNS message, and how the error message
 * changes when an alias is found. */
#include "fake_world.h"
#include "fetch/dns.h"
#include "rds_iam.h"
#include "unit.h"

#include "provider/alias_record.h"

#define RDS "prod.cluster-abc123.eu-west-1.rds.amazonaws.com"

/* -- DNS messages --------------------------------------------------------------------------- */

/* A DNS response to one question. Its answer section has CNAME records with uncompressed names. */
struct message {
    unsigned char bytes[2048];
    size_t len;
};

static void add(struct message *message, const void *bytes, size_t len)
{
    assert_true(message->len + len <= sizeof(message->bytes));
    memcpy(message->bytes + message->len, bytes, len);
    message->len += len;
}

static void add_name(struct message *message, const char *name)
{
    while (*name != '\0') {
        size_t len = strcspn(name, ".");
        unsigned char head = (unsigned char)len;
        add(message, &head, 1);
        add(message, name, len);
        name += len + (name[len] == '.' ? 1 : 0);
    }
    add(message, "", 1);
}

static void start(struct message *message, const char *name, unsigned char responses)
{
    const unsigned char header[12] = {0, 7, 0x81, 0x80, 0, 1, 0, responses, 0, 0, 0, 0};
    message->len = 0;
    add(message, header, sizeof(header));
    add_name(message, name);
    add(message, "\0\1\0\1", 4);
}

static void add_cname(struct message *message, const char *name, const char *target)
{
    struct message data = {.len = 0};
    add_name(message, name);
    add(message, "\0\5\0\1\0\0\0\74", 8);
    add_name(&data, target);
    const unsigned char len[2] = {(unsigned char)(data.len >> 8), (unsigned char)data.len};
    add(message, len, 2);
    add(message, data.bytes, data.len);
}

static void expect_alias(const char *row, const struct message *message, const char *want)
{
    char name[RIA_HOST_SIZE] = "";
    bool found = ria_fetch_alias_of(message->bytes, message->len, name, sizeof(name));
    expect_number(row, found, *want != '\0');
    expect_text(row, name, want);
}

static void the_first_rds_name_of_the_chain_is_found(void **state)
{
    (void)state;
    struct message message;
    start(&message, "db.example.com", 1);
    add_cname(&message, "db.example.com", RDS);
    expect_alias("one step", &message, RDS);
    start(&message, "db.example.com", 3);
    add_cname(&message, RDS, "ec2-1-2-3-4.eu-west-1.compute.amazonaws.com");
    add_cname(&message, "lb.example.com", "PROD.cluster-abc123.eu-west-1.rds.amazonaws.com");
    add_cname(&message, "DB.example.com", "lb.example.com");
    expect_alias(
        "records in any order and case; the RDS name is not the last of the chain", &message, RDS);
}

static void a_chain_without_an_rds_name_is_not_an_alias(void **state)
{
    (void)state;
    struct message message;
    start(&message, "db.example.com", 0);
    expect_alias("no record", &message, "");
    start(&message, "db.example.com", 1);
    add_cname(&message, "db.example.com", "lb.example.com");
    expect_alias("another name", &message, "");
    start(&message, "db.example.com", 1);
    add_cname(&message, "other.example.com", RDS);
    expect_alias("a record of a name that was not queried", &message, "");
    start(&message, "db.example.com", 2);
    add_cname(&message, "db.example.com", "lb.example.com");
    add_cname(&message, "lb.example.com", "db.example.com");
    expect_alias("a loop", &message, "");
    start(&message, "db.example.com", 1);
    add_cname(&message, "db.example.com", RDS ".evil.example");
    expect_alias("a name that only begins like an RDS name", &message, "");
}

static void a_truncated_message_is_not_an_alias(void **state)
{
    (void)state;
    struct message message;
    start(&message, "db.example.com", 1);
    add_cname(&message, "db.example.com", RDS);
    size_t whole = message.len;
    for (message.len = 0; message.len < whole; message.len++) {
        expect_alias("cut off", &message, "");
    }
    expect_alias("control: the complete message", &message, RDS);
}

/* -- records -------------------------------------------------------------------------------- */

static void a_record_contains_exactly_one_name(void **state)
{
    (void)state;
    char name[RIA_HOST_SIZE];
    RIA_AUTO(buf) bytes = {.max = 1024};
    ria_alias_write_request("db.example.com", &bytes);
    assert_true(ria_alias_read_request(&bytes, name));
    assert_string_equal(name, "db.example.com");
    assert_false(ria_alias_read_response(&bytes, name));
    ria_buf_clear(&bytes);
    ria_alias_write_response("", &bytes);
    assert_true(ria_alias_read_response(&bytes, name));
    assert_string_equal(name, "");
    char longer[RIA_HOST_SIZE + 1];
    memset(longer, 'x', RIA_HOST_SIZE);
    longer[RIA_HOST_SIZE] = '\0';
    ria_buf_clear(&bytes);
    ria_alias_write_response(longer, &bytes);
    assert_false(ria_alias_read_response(&bytes, name));
}

/* -- messages ------------------------------------------------------------------------------- */

static struct ria_fake fake;

static void ask(
    const char *host, enum ria_channel channel, const char *alias, struct ria_error *err)
{
    struct ria_login login = {.host = host, .port = 3306, .user = "etl", .channel = channel};
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    ria_fake_init(&fake);
    ria_fake_env(&fake, "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    ria_fake_env(&fake, "AWS_SECRET_ACCESS_KEY", "secret/Example");
    fake.alias = alias;
    struct ria_deadline deadline = ria_deadline_in(&fake.world, RIA_LOGIN_BUDGET_MS);
    assert_int_equal(ria_token_for(&login, deadline, &fake.world, &token, err), RIA_FAILED);
    assert_int_equal(err->code, RIA_E_ENDPOINT);
}

static void the_suggested_section_has_the_name_of_the_alias(void **state)
{
    (void)state;
    struct ria_error err;
    static const enum ria_channel channels[] = {RIA_CHANNEL_VERIFIED, RIA_CHANNEL_CHAIN_VERIFIED};
    for_each_row(channel, channels, NULL) {
        ask("DB.example.com", *channel, RDS, &err);
        expect_text("the host was queried", fake.queried_alias, "db.example.com");
        expect_text(
            "the message",
            err.text,
            "db.example.com is not an RDS endpoint, but a DNS alias of " RDS "; if that is "
            "your database, use that name, or, to accept any RDS server, add 3 lines: "
            "[db.example.com:3306], then endpoint = " RDS
            ":3306, then tls = verify-ca, in ~/.config/rds-iam/config");
    }
}

/* The configuration rejects tls = verify-ca for a server with a certificate of a public CA. */
static void no_section_is_suggested_for_a_server_with_a_public_ca(void **state)
{
    (void)state;
    static const char *const names[] = {
        "shop.proxy-abcdefghijkl.eu-west-1.rds.amazonaws.com",
        "abcdefghijklmnopqrstuvwxyz.dsql.eu-west-1.on.aws"};
    struct ria_error err;
    for_each_row(name, names, *name) {
        RIA_AUTO(buf) want = {.max = RIA_ERROR_TEXT_MAX};
        ria_buf_addf(
            &want,
            "db.example.com is not an RDS endpoint, but a DNS alias of %s; if that is your "
            "database, use that name",
            *name);
        ask("db.example.com", RIA_CHANNEL_VERIFIED, *name, &err);
        expect_text(*name, err.text, ria_buf_text(&want));
    }
}

/* The message that names the alias' own section stays. */
static void a_section_of_the_alias_is_named(void **state)
{
    (void)state;
    static const struct ria_login login = {.host = "db.example.com", .port = 3306, .user = "etl"};
    struct ria_error err = {
        .code = RIA_E_CONFIG, .text = "FILE:1: add endpoint = ENDPOINT:ITS_PORT to this section"};
    ria_fake_init(&fake);
    fake.alias = RDS;
    ria_alias_explain(&login, ria_deadline_in(&fake.world, RIA_LOGIN_BUDGET_MS), &fake.world, &err);
    assert_string_equal(
        err.text,
        "FILE:1: add endpoint = ENDPOINT:ITS_PORT to this section (db.example.com is a DNS alias "
        "of " RDS ")");
}

/* A section with a truncated name would never match. */
static void suggested_names_are_complete_or_omitted(void **state)
{
    (void)state;
    static const char long_host[] =
        "mysql-production-primary.database.internal.platform.example.com";
    static const char long_rds[] =
        "clickpipes-analytics-production-warehouse-primary-replica-no2.cluster-custom-abcdefghijkl"
        ".eu-central-1.rds.amazonaws.com";
    static const char longest[] = "a23456789-123456789-123456789-123456789-123456789-123456789-12."
                                  "b23456789-123456789-123456789-123456789-123456789-123456789-12."
                                  "c23456789-123456789-123456789-123456789-123456789-123456789-12."
                                  "d23456789-123456789-123456789-123456789.rds.example.com";
    static const struct {
        const char *host;
        const char *rds;
        bool is_shown;
    } rows[] = {
        {long_host, RDS, true},
        {"db.example.com", long_rds, true},
        {long_host, long_rds, true},
        {longest, long_rds, false},
    };
    assert_int_equal(strlen(long_host), 63);
    assert_int_equal(strlen(long_rds), 120);
    for_each_row(row, rows, row->host) {
        struct ria_error err;
        RIA_AUTO(buf) want = {.max = RIA_ERROR_TEXT_MAX};
        if (row->is_shown) {
            ria_buf_addf(
                &want,
                "[%s:3306], then endpoint = %s:3306, then tls = verify-ca",
                row->host,
                row->rds);
        } else {
            ria_buf_addf(
                &want,
                "add 3 lines: [%s:3306], then endpoint = ENDPOINT:ITS_PORT, then tls = verify-ca",
                row->host);
        }
        ria_buf_add_text(&want, ", in ~/.config/rds-iam/config");
        ask(row->host, RIA_CHANNEL_VERIFIED, row->rds, &err);
        expect_piece(row->host, err.text, ria_buf_text(&want));
        expect(row->host, strlen(err.text) <= RIA_ERROR_SHOWN_MAX);
    }
}

static void without_an_alias_the_message_is_unchanged(void **state)
{
    (void)state;
    static const char *const aliases[] = {NULL, "lb.example.com", "odd%name", ""};
    struct ria_error err;
    for_each_row(alias, aliases, *alias) {
        ask("db.example.com", RIA_CHANNEL_VERIFIED, *alias, &err);
        expect_piece(
            "no alias",
            err.text,
            "to accept any RDS server, add 3 lines: "
            "[db.example.com:3306], then endpoint = ");
    }
}

static bool fetch_without_success(
    void *self,
    const struct ria_buf *request,
    struct ria_deadline deadline,
    struct ria_buf *response,
    struct ria_error *err)
{
    (void)self;
    (void)request;
    (void)deadline;
    (void)response;
    return ria_fail(err, RIA_E_SYSTEM, "rds-iam-fetch cannot be started");
}

static void if_dns_cannot_be_queried_the_message_is_unchanged(void **state)
{
    (void)state;
    static const struct ria_login login = {
        .host = "db.example.com", .port = 3306, .user = "etl", .channel = RIA_CHANNEL_VERIFIED};
    struct ria_error err = {.code = RIA_E_ENDPOINT, .text = "the first message"};
    ria_fake_init(&fake);
    fake.alias = RDS;
    struct ria_deadline deadline = ria_deadline_in(&fake.world, RIA_LOGIN_BUDGET_MS);
    fake.world.fetch = fetch_without_success;
    ria_alias_explain(&login, deadline, &fake.world, &err);
    assert_string_equal(err.text, "the first message");
    ria_fake_init(&fake);
    fake.alias = RDS;
    ria_alias_explain(&login, deadline, &fake.world, &err);
    expect_piece("control: DNS can be queried", err.text, "a DNS alias of " RDS);
}

static void dns_is_not_queried_for_names_that_have_no_alias(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "127.0.0.1", "::1", "10.0.0.5", "localhost", "prod.global-abc.global.rds.amazonaws.com"};
    struct ria_error err;
    for_each_row(host, hosts, *host) {
        ask(*host, RIA_CHANNEL_VERIFIED, RDS, &err);
        expect_text(*host, fake.queried_alias, "");
    }
}

static void dns_gets_two_seconds_and_never_more_than_the_login_has_left(void **state)
{
    (void)state;
    struct ria_error err = {.code = RIA_E_ENDPOINT};
    struct ria_login login = {.host = "db.example.com", .port = 3306, .user = "etl"};
    static const int64_t budgets[][2] = {{10000, 2000}, {700, 700}, {0, 0}};
    for (size_t i = 0; i < RIA_COUNT(budgets); i++) {
        ria_fake_init(&fake);
        ria_alias_explain(&login, ria_deadline_in(&fake.world, budgets[i][0]), &fake.world, &err);
        assert_int_equal(fake.deadline.at - fake.ticks, budgets[i][1]);
    }
}

static void without_a_host_dns_is_not_queried(void **state)
{
    (void)state;
    struct ria_error err = {.code = RIA_E_ENDPOINT, .text = "no host"};
    const struct ria_login login = {.port = 3306, .user = "etl"};
    ria_fake_init(&fake);
    ria_alias_explain(&login, ria_deadline_in(&fake.world, 1000), &fake.world, &err);
    assert_string_equal(err.text, "no host");
    assert_string_equal(fake.queried_alias, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rds_name_of_the_chain_is_found),
        cmocka_unit_test(a_chain_without_an_rds_name_is_not_an_alias),
        cmocka_unit_test(a_truncated_message_is_not_an_alias),
        cmocka_unit_test(a_record_contains_exactly_one_name),
        cmocka_unit_test(the_suggested_section_has_the_name_of_the_alias),
        cmocka_unit_test(no_section_is_suggested_for_a_server_with_a_public_ca),
        cmocka_unit_test(a_section_of_the_alias_is_named),
        cmocka_unit_test(suggested_names_are_complete_or_omitted),
        cmocka_unit_test(without_an_alias_the_message_is_unchanged),
        cmocka_unit_test(if_dns_cannot_be_queried_the_message_is_unchanged),
        cmocka_unit_test(dns_is_not_queried_for_names_that_have_no_alias),
        cmocka_unit_test(dns_gets_two_seconds_and_never_more_than_the_login_has_left),
        cmocka_unit_test(without_a_host_dns_is_not_queried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
