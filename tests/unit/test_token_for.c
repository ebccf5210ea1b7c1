/* SPDX-License-Identifier: MIT
 *
 * ria_token_for(): the checks before a token is signed, the accepted channels and credentials, and
 * that the out-parameters stay unchanged on failure. test_signed_for.c tests the address that a
 * token is signed for. */
#include "login.h"
#include "unit.h"

#define HOST RIA_LOGIN_HOST

/* -- refusals ------------------------------------------------------------------------------- */

static void an_invalid_request_is_rejected_before_any_file_is_read(void **state)
{
    (void)state;
    static char long_user[257];
    memset(long_user, 'u', sizeof(long_user) - 1);
    const struct {
        const char *name;
        struct ria_login login;
        enum ria_code code;
        const char *want;
    } rows[] = {
        {"no host",
         {.host = NULL, .port = 1, .user = "u", .channel = RIA_CHANNEL_VERIFIED},
         RIA_E_USAGE,
         "no host name was given; a token is signed for a host name"},
        {"an empty host",
         {.host = "", .port = 1, .user = "u", .channel = RIA_CHANNEL_VERIFIED},
         RIA_E_USAGE,
         "no host name was given; a token is signed for a host name"},
        {"port 0",
         {.host = HOST, .port = 0, .user = "u", .channel = RIA_CHANNEL_VERIFIED},
         RIA_E_USAGE,
         "the port is not between 1 and 65535"},
        {"a port too large",
         {.host = HOST, .port = 65536, .user = "u", .channel = RIA_CHANNEL_VERIFIED},
         RIA_E_USAGE,
         "the port is not between 1 and 65535"},
        {"no user",
         {.host = HOST, .port = 1, .user = NULL, .channel = RIA_CHANNEL_VERIFIED},
         RIA_E_USAGE,
         "the user name must have 1 to 255 bytes; name the database user"},
        {"an empty user",
         {.host = HOST, .port = 1, .user = "", .channel = RIA_CHANNEL_VERIFIED},
         RIA_E_USAGE,
         "the user name must have 1 to 255 bytes; name the database user"},
        {"a user of 256 bytes",
         {.host = HOST, .port = 1, .user = long_user, .channel = RIA_CHANNEL_VERIFIED},
         RIA_E_USAGE,
         "the user name must have 1 to 255 bytes; name the database user"},
        {"no channel given",
         {.host = HOST, .port = 1, .user = "u"},
         RIA_E_CHANNEL,
         "the connection is not encrypted; enable TLS in the client"},
        {"plain text",
         {.host = HOST, .port = 1, .user = "u", .channel = RIA_CHANNEL_PLAIN},
         RIA_E_CHANNEL,
         "the connection is not encrypted; enable TLS in the client"},
        {"encrypted, server not authenticated",
         {.host = HOST, .port = 1, .user = "u", .channel = RIA_CHANNEL_UNVERIFIED},
         RIA_E_CHANNEL,
         "the server's certificate was not verified; give the client the RDS CA bundle and enable "
         "verification"},
        {"an invalid channel",
         {.host = HOST, .port = 1, .user = "u", .channel = (enum ria_channel)77},
         RIA_E_CHANNEL,
         "the connection is not encrypted; enable TLS in the client"},
    };
    for_each_row(row, rows, row->name) {
        struct ria_fake fake;
        struct ria_error err;
        RIA_AUTO(token) token = RIA_TOKEN_INIT;
        ria_login_world(&fake, "[" HOST "]\nregion = eu-west-1\n");
        expect_number(row->name, ria_login_ask(&fake, &row->login, &token, &err), RIA_FAILED);
        expect_text(row->name, err.text, row->want);
        expect_number(row->name, err.code, row->code);
        expect_number(row->name, fake.reads, 0);
        expect(row->name, token.text.data == NULL && token.expires == 0);
    }
}

static void a_privileged_program_signs_nothing(void **state)
{
    (void)state;
    struct ria_fake fake;
    struct ria_error err;
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    ria_login_world(&fake, NULL);
    fake.is_privileged = true;
    assert_int_equal(ria_login_ask(&fake, &ria_login_good, &token, &err), RIA_FAILED);
    assert_int_equal(err.code, RIA_E_SYSTEM);
    assert_string_equal(
        err.text,
        "this program runs with more rights than its caller (setuid, seteuid or file "
        "capabilities), so it gets no token and no credentials; remove these rights");
    assert_int_equal(fake.reads, 0);
}

/* -- verify-ca ------------------------------------------------------------------------------ */

#define NOT_VERIFIED                                                                               \
    "127.0.0.1 is not an RDS endpoint, and the server's host name was not verified: use the "      \
    "endpoint's own name (for a tunnel, map it in /etc/hosts); to accept any RDS server, add 3 "   \
    "lines: [127.0.0.1:13306], then endpoint = ENDPOINT:ITS_PORT, then tls = verify-ca, in "       \
    "~/.config/rds-iam/config"

static void a_checked_chain_is_enough_only_with_verify_ca(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *config;
        bool may_send;
        enum ria_code code;
    } rows[] = {
        {"no configuration", NULL, false, RIA_E_ENDPOINT},
        {"a section without tls",
         "[127.0.0.1:13306]\nendpoint = " HOST ":3306\n",
         false,
         RIA_E_CHANNEL},
        {"verify-full",
         "[127.0.0.1:13306]\nendpoint = " HOST ":3306\ntls = verify-full\n",
         false,
         RIA_E_CHANNEL},
        {"verify-ca",
         "[127.0.0.1:13306]\nendpoint = " HOST ":3306\ntls = verify-ca\n",
         true,
         RIA_E_NONE},
        {"verify-ca for another port",
         "[127.0.0.1:1]\nendpoint = " HOST ":3306\ntls = verify-ca\n",
         false,
         RIA_E_ENDPOINT},
    };
    for_each_row(row, rows, row->name) {
        struct ria_fake fake;
        struct ria_error err;
        RIA_AUTO(token) token = RIA_TOKEN_INIT;
        ria_login_world(&fake, row->config);
        struct ria_login login = {
            .host = "127.0.0.1",
            .port = 13306,
            .user = "etl",
            .channel = RIA_CHANNEL_CHAIN_VERIFIED};
        enum ria_outcome outcome = ria_login_ask(&fake, &login, &token, &err);
        expect_number(row->name, outcome, row->may_send ? RIA_FOUND : RIA_FAILED);
        if (!row->may_send) {
            expect_number(row->name, err.code, row->code);
            expect_text(
                row->name,
                err.text,
                row->code == RIA_E_CHANNEL
                    ? "/home/u/.config/rds-iam/config:2: the server's host name was not verified; "
                      "add "
                      "tls = verify-ca to this section, or use the endpoint's own name, and map it "
                      "to the tunnel's address in /etc/hosts"
                : row->config == NULL ? NOT_VERIFIED
                                      : NOT_VERIFIED
                    " (no section matches, the first is [127.0.0.1:1])");
        }
        err = (struct ria_error){0};
        bool may_send = ria_login_may_send(&login, &fake.world, &err);
        expect_number(row->name, may_send, row->may_send);
        expect(row->name, may_send || err.code == row->code);
    }
}

/* With the section that the error message suggests, the core makes the token. */
static void the_suggested_section_allows_the_token(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        HOST, "reader.cluster-ro-abcdefghijkl.eu-west-1.rds.amazonaws.com"};
    for_each_row(row, hosts, *row) {
        struct ria_fake fake;
        struct ria_error err;
        RIA_AUTO(token) token = RIA_TOKEN_INIT;
        RIA_AUTO(buf) section = {.max = 512};
        struct ria_login login = {
            .host = *row, .port = 3306, .user = "etl", .channel = RIA_CHANNEL_CHAIN_VERIFIED};
        ria_login_world(&fake, NULL);
        expect_number(*row, ria_login_ask(&fake, &login, &token, &err), RIA_FAILED);
        expect_number(*row, err.code, RIA_E_CHANNEL);
        expect_piece(
            *row,
            err.text,
            "the server's host name was not verified; set sslmode=verify-full (also PGSSLMODE), "
            "or else write two lines: [");
        const char *start = strstr(err.text, "lines: [") + strlen("lines: ");
        const char *comma = strstr(start, "], then ") + 1;
        const char *key = comma + strlen(", then ");
        const char *end = strstr(err.text, ", in ~/.config/rds-iam/config");
        ria_buf_addf(&section, "%.*s\n%.*s\n", (int)(comma - start), start, (int)(end - key), key);
        ria_login_world(&fake, ria_buf_text(&section));
        expect_number(*row, ria_login_ask(&fake, &login, &token, &err), RIA_FOUND);
        expect_number(*row, ria_login_may_send(&login, &fake.world, &err), true);
        login.channel = RIA_CHANNEL_UNVERIFIED;
        expect_number(*row, ria_login_ask(&fake, &login, &token, &err), RIA_FAILED);
    }
}

static void the_suggested_section_of_an_ipv6_address_has_a_port(void **state)
{
    (void)state;
    struct ria_fake fake;
    struct ria_error err;
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    struct ria_login login = {
        .host = "::1", .port = 13306, .user = "etl", .channel = RIA_CHANNEL_CHAIN_VERIFIED};
    ria_login_world(&fake, NULL);
    expect_number("::1", ria_login_ask(&fake, &login, &token, &err), RIA_FAILED);
    expect_piece("::1", err.text, "add 3 lines: [[::1]:13306], then endpoint = ");
    ria_login_world(&fake, "[[::1]:13306]\nendpoint = " HOST ":3306\ntls = verify-ca\n");
    expect_number("::1", ria_login_ask(&fake, &login, &token, &err), RIA_FOUND);
}

/* For these hosts, config/config.c rejects a section with tls = verify-ca, because a public CA
 * issues their certificates. */
static void no_section_is_suggested_for_a_public_ca(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "p.proxy-abcdefghijkl.us-east-2.rds.amazonaws.com", "x.dsql.us-east-2.on.aws"};
    for_each_row(row, hosts, *row) {
        struct ria_fake fake;
        struct ria_error err;
        RIA_AUTO(token) token = RIA_TOKEN_INIT;
        struct ria_login login = {
            .host = *row, .port = 5432, .user = "etl", .channel = RIA_CHANNEL_CHAIN_VERIFIED};
        ria_login_world(&fake, NULL);
        expect_number(*row, ria_login_ask(&fake, &login, &token, &err), RIA_FAILED);
        expect_text(
            *row,
            err.text,
            "the server's host name was not verified; set sslmode=verify-full (also PGSSLMODE)");
    }
}

static void a_pasted_token_needs_no_file_if_the_channel_decides(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum ria_channel channel;
        bool may_send;
        bool reads;
    } rows[] = {
        {"plain text", RIA_CHANNEL_PLAIN, false, false},
        {"unverified", RIA_CHANNEL_UNVERIFIED, false, false},
        {"chain verified", RIA_CHANNEL_CHAIN_VERIFIED, false, true},
        {"verified", RIA_CHANNEL_VERIFIED, true, false},
        {"no channel", RIA_CHANNEL_NONE, true, false},
    };
    for_each_row(row, rows, row->name) {
        struct ria_fake fake;
        struct ria_error err = {0};
        ria_login_world(&fake, "a broken file\n");
        struct ria_login login = ria_login_good;
        login.channel = row->channel;
        expect_number(row->name, ria_login_may_send(&login, &fake.world, &err), row->may_send);
        expect_number(row->name, fake.reads > 0, row->reads);
    }
}

/* -- credentials ---------------------------------------------------------------------------- */

static void a_token_expires_no_later_than_its_credentials(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *expiration;
        int64_t expires; /* seconds after now; 0: refused */
        const char *text;
    } rows[] = {
        {"without an expiry", "", 900, NULL},
        {"an hour", "2026-08-22T13:34:56Z", 900, NULL},
        {"exactly the lifetime of a token", "2026-08-22T12:49:56Z", 900, NULL},
        {"a second less", "2026-08-22T12:49:55Z", 899, NULL},
        {"a minute less", "2026-08-22T12:48:56Z", 840, NULL},
        {"more than a minute less",
         "2026-08-22T12:48:55Z",
         839,
         "the AWS credentials of the environment expire at 20260822T124855Z, and the token with "
         "them"},
        {"a second",
         "2026-08-22T12:34:57Z",
         1,
         "expire at 20260822T123457Z, and the token with them"},
        {"now",
         "2026-08-22T12:34:56Z",
         0,
         "the AWS credentials of the environment expired at 20260822T123456Z; get new ones"},
        {"long ago", "1999-08-22T12:34:56Z", 0, "expired at 19990822T123456Z; get new ones"},
    };
    for_each_row(row, rows, row->name) {
        struct ria_fake fake;
        struct ria_error err;
        RIA_AUTO(token) token = RIA_TOKEN_INIT;
        ria_login_world(&fake, NULL);
        ria_fake_env(&fake, "AWS_CREDENTIAL_EXPIRATION", row->expiration);
        enum ria_outcome outcome = ria_login_ask(&fake, &ria_login_good, &token, &err);
        if (row->expires == 0) {
            expect_number(row->name, outcome, RIA_FAILED);
            expect_piece(row->name, err.text, row->text);
            expect_number(row->name, err.code, RIA_E_CREDENTIALS);
            continue;
        }
        expect_number(row->name, outcome, RIA_FOUND);
        expect_number(row->name, token.expires, fake.now + row->expires);
        bool warned = row->text != NULL && ria_fake_logged(&fake, RIA_LOG_WARNING, row->text);
        expect_number(row->name, warned, row->text != NULL);
    }
}

static void the_chosen_profile_signs(void **state)
{
    (void)state;
    static const char profiles[] =
        "[profile a]\naws_access_key_id = AKIAA\naws_secret_access_key = s\n"
        "[profile b]\naws_access_key_id = AKIAB\naws_secret_access_key = s\n";
    static const struct {
        const char *name;
        const char *config;
        const char *profile;
        const char *piece; /* of the token, or of the refusal */
    } rows[] = {
        {"the environment's keys", NULL, NULL, "X-Amz-Credential=AKIDEXAMPLE%2F"},
        {"the configuration's profile overrides the environment's keys",
         "[" HOST "]\nprofile = a\n",
         NULL,
         "X-Amz-Credential=AKIAA%2F"},
        {"the profile of the command line overrides the configuration's",
         "[" HOST "]\nprofile = a\n",
         "b",
         "X-Amz-Credential=AKIAB%2F"},
        {"the configuration's profile is missing",
         "[" HOST "]\nprofile = nope\n",
         NULL,
         RIA_FAKE_CONFIG ":2: the profile \"nope\" does not exist"},
        {"the profile of the command line is missing",
         NULL,
         "nope",
         "--profile: the profile \"nope\" does not exist"},
    };
    for_each_row(row, rows, row->name) {
        struct ria_fake fake;
        struct ria_error err;
        RIA_AUTO(token) token = RIA_TOKEN_INIT;
        ria_login_world(&fake, row->config);
        ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, profiles);
        struct ria_login login = ria_login_good;
        login.profile = row->profile;
        bool found = ria_login_ask(&fake, &login, &token, &err) == RIA_FOUND;
        expect_piece(row->name, found ? token.text.data : err.text, row->piece);
    }
}

static void without_credentials_the_old_token_is_unchanged(void **state)
{
    (void)state;
    struct ria_fake fake;
    struct ria_error err;
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    ria_login_world(&fake, NULL);
    assert_int_equal(ria_login_ask(&fake, &ria_login_good, &token, &err), RIA_FOUND);
    char before[2048];
    (void)snprintf(before, sizeof(before), "%s", token.text.data);
    ria_fake_init(&fake);
    assert_int_equal(ria_login_ask(&fake, &ria_login_good, &token, &err), RIA_ABSENT);
    assert_int_equal(err.code, RIA_E_NO_CREDENTIALS);
    assert_string_equal(token.text.data, before);
    ria_token_release(&token);
    assert_null(token.text.data);
    assert_int_equal(token.expires, 0);
}

static void a_deadline_that_has_passed_ends_the_call(void **state)
{
    (void)state;
    struct ria_fake fake;
    struct ria_error err = {0};
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    ria_login_world(&fake, NULL);
    struct ria_deadline deadline = ria_deadline_in(&fake.world, 0);
    assert_int_equal(
        ria_token_for(&ria_login_good, deadline, &fake.world, &token, &err), RIA_FAILED);
    assert_int_equal(err.code, RIA_E_DEADLINE);
    expect_piece("the cause", err.text, "the time for a login ran out");
}

/* The names in a suggested section are complete, even if other parts of the message are dropped. */
static void long_names_are_not_shortened(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        const char *suffix;
        bool is_section;
        const char *piece;
    } rows[] = {
        {50, "", true, "and the server's host name was not verified: use the endpoint's own name "},
        {180, "", true, "to accept any RDS server, add 3 lines: ["},
        {250, "", true, "to accept any RDS server, add 3 lines: ["},
        {180, ".abcdefghijkl.eu-west-1.rds.amazonaws.com", true, "or else write two lines: ["},
        {250,
         ".abcdefghijkl.eu-west-1.rds.amazonaws.com",
         false,
         "set sslmode=verify-full (also PGSSLMODE)"},
    };
    for_each_row(row, rows, NULL) {
        struct ria_fake fake;
        struct ria_error err;
        char name[RIA_HOST_SIZE];
        RIA_AUTO(buf) section = {.max = RIA_ERROR_TEXT_MAX};
        for (size_t at = 0; at < row->len; at++) {
            name[at] = at % 26 == 25 ? '.' : 'h';
        }
        (void)strcpy(name + row->len - strlen(row->suffix), row->suffix);
        ria_buf_addf(
            &section,
            "[%s:13306], then %stls = verify-ca",
            name,
            row->suffix[0] == '\0' ? "endpoint = ENDPOINT:ITS_PORT, then " : "");
        ria_login_world(&fake, NULL);
        struct ria_login login = {
            .host = name, .port = 13306, .user = "etl", .channel = RIA_CHANNEL_CHAIN_VERIFIED};
        expect(row->piece, !ria_login_may_send(&login, &fake.world, &err));
        expect_piece(row->piece, err.text, row->piece);
        expect(row->piece, row->is_section == (strstr(err.text, ria_buf_text(&section)) != NULL));
        expect(row->piece, strstr(err.text, "...") == NULL);
        expect(row->piece, strlen(err.text) <= RIA_ERROR_SHOWN_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_invalid_request_is_rejected_before_any_file_is_read),
        cmocka_unit_test(a_privileged_program_signs_nothing),
        cmocka_unit_test(a_checked_chain_is_enough_only_with_verify_ca),
        cmocka_unit_test(the_suggested_section_allows_the_token),
        cmocka_unit_test(the_suggested_section_of_an_ipv6_address_has_a_port),
        cmocka_unit_test(no_section_is_suggested_for_a_public_ca),
        cmocka_unit_test(a_pasted_token_needs_no_file_if_the_channel_decides),
        cmocka_unit_test(a_token_expires_no_later_than_its_credentials),
        cmocka_unit_test(the_chosen_profile_signs),
        cmocka_unit_test(without_credentials_the_old_token_is_unchanged),
        cmocka_unit_test(a_deadline_that_has_passed_ends_the_call),
        cmocka_unit_test(long_names_are_not_shortened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
