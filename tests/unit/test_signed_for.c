/* SPDX-License-Identifier: MIT
 *
 * The host name, port and region that a token is signed for. They come from the address of the
 * connection, the configuration, and the command line. */
#include "login.h"
#include "unit.h"

#define HOST RIA_LOGIN_HOST

static void name_section_and_options_determine_what_is_signed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *config;
        const char *host;
        unsigned port;
        const char *region;
        const char *start; /* of the token; NULL: refused */
        const char *scope; /* a part of the token, or of the error message */
        const char *warning;
    } rows[] = {
        {"the name determines host, port and region",
         NULL,
         HOST,
         3306,
         NULL,
         HOST ":3306/?",
         "%2Feu-west-1%2F",
         NULL},
        {"the configuration's region overrides the name's",
         "[" HOST "]\nregion = eu-west-2\n",
         HOST,
         3306,
         NULL,
         HOST ":3306/?",
         "%2Feu-west-2%2F",
         "signing for the region eu-west-2, although the name " HOST " contains eu-west-1; if the "
         "server refuses the token, remove the region at /home/u/.config/rds-iam/config:2"},
        {"the region of the command line overrides all",
         "[" HOST "]\nregion = eu-west-2\n",
         HOST,
         3306,
         "eu-west-3",
         HOST ":3306/?",
         "%2Feu-west-3%2F",
         "signing for the region eu-west-3, although the name " HOST " contains eu-west-1; if the "
         "server refuses the token, remove --region"},
        {"the command line names the region that the host name contains",
         NULL,
         HOST,
         3306,
         "eu-west-1",
         HOST ":3306/?",
         "%2Feu-west-1%2F",
         NULL},
        {"a tunnel",
         "[127.0.0.1:13306]\nendpoint = " HOST ":3306\n",
         "127.0.0.1",
         13306,
         NULL,
         HOST ":3306/?",
         "%2Feu-west-1%2F",
         NULL},
        {"another port of the tunnel's address is not mapped",
         "[127.0.0.1:13306]\nendpoint = " HOST ":3306\n",
         "127.0.0.1",
         13307,
         NULL,
         NULL,
         "127.0.0.1 is not an RDS endpoint",
         NULL},
        {"the message names the first section, which may be misspelled",
         "[localhost:13306]\nendpoint = " HOST ":3306\n",
         "127.0.0.1",
         13306,
         NULL,
         NULL,
         "[127.0.0.1:13306], then endpoint = ENDPOINT:ITS_PORT, then tls = verify-ca, in "
         "~/.config/rds-iam/config (no section matches, the first is [localhost:13306])",
         NULL},
        {"a section without an endpoint",
         "[alias]\nregion = eu-west-1\n",
         "alias",
         5,
         NULL,
         NULL,
         RIA_FAKE_CONFIG
         ":1: alias is not an RDS endpoint; add endpoint = ENDPOINT:ITS_PORT to this section",
         NULL},
        {"an endpoint in upper case with a dot at its end",
         "[alias]\nendpoint = DB.ABC.eu-west-1.RDS."
         "amazonaws.com.:3306\n",
         "alias",
         5,
         NULL,
         HOST ":3306/?",
         "%2Feu-west-1%2F",
         NULL},
        {"an endpoint that is not an RDS name, with a region",
         "[alias]\nendpoint = db.example:3306\nregion = eu-west-1\n",
         "alias",
         5,
         NULL,
         "db.example:3306/?",
         "%2Feu-west-1%2F",
         "db.example is not an RDS endpoint"},
        {"an endpoint that is not an RDS name, without a region",
         "[alias]\nendpoint = db.example:3306\n",
         "alias",
         5,
         NULL,
         NULL,
         RIA_FAKE_CONFIG
         ":2: the name db.example has no region; write the name of the RDS endpoint, "
         "or add region = REGION to this section",
         NULL},
        {"a region for all names of a domain does not make them RDS names",
         "[*.example]\nregion = eu-west-1\n",
         "db.example",
         3306,
         NULL,
         NULL,
         "db.example is not an RDS endpoint",
         NULL},
        {"the command line may sign for any name",
         NULL,
         "db.example",
         3306,
         "eu-west-1",
         "db.example:3306/?",
         "%2Feu-west-1%2F",
         "db.example is not an RDS endpoint"},
        {"the command line may sign for an address",
         NULL,
         "::1",
         3306,
         "eu-west-1",
         "[::1]:3306/?",
         "%2Feu-west-1%2F",
         "::1 is not an RDS endpoint"},
        {"an invalid region of the command line",
         NULL,
         HOST,
         3306,
         "Ireland",
         NULL,
         "\"Ireland\" is not a region; write one like eu-west-1",
         NULL},
        {"a global endpoint without a region",
         NULL,
         "g.global-a.global.rds.amazonaws.com",
         5432,
         NULL,
         NULL,
         "is an Aurora global endpoint, whose name has no region",
         NULL},
        {"a global endpoint with a region",
         "[*.global.rds.amazonaws.com]\nregion = eu-west-1\n",
         "g.global-a.global.rds.amazonaws.com",
         5432,
         NULL,
         "g.global-a.global.rds.amazonaws.com:5432/?",
         "%2Feu-west-1%2F",
         NULL},
        {"DSQL, whose token has no port",
         NULL,
         "x.dsql.eu-west-1.on.aws",
         443,
         NULL,
         "x.dsql.eu-west-1.on.aws/?Action=DbConnect&X-Amz-",
         "%2Feu-west-1%2Fdsql%2F",
         NULL},
        {"a tunnel to DSQL",
         "[127.0.0.1:13306]\nendpoint = x.dsql-fnh4.eu-west-1.on.aws:5432\n",
         "127.0.0.1",
         13306,
         NULL,
         "x.dsql-fnh4.eu-west-1.on.aws/?Action=DbConnect&X-Amz-",
         "%2Feu-west-1%2Fdsql%2F",
         NULL},
        {"DSQL with another region of the command line",
         NULL,
         "x.dsql.eu-west-1.on.aws",
         5432,
         "eu-west-2",
         "x.dsql.eu-west-1.on.aws/?Action=DbConnect&X-Amz-",
         "%2Feu-west-2%2Fdsql%2F",
         "signing for the region eu-west-2, although the name x.dsql.eu-west-1.on.aws contains "
         "eu-west-1"},
        {"port 443",
         NULL,
         HOST,
         443,
         NULL,
         HOST ":443/?",
         "%2Feu-west-1%2F",
         "the token for port 443 is signed without the port, as botocore does; other signers "
         "include it"},
        {"a broken configuration",
         "[" HOST "]\nnonsense = 1\n",
         HOST,
         3306,
         NULL,
         NULL,
         RIA_FAKE_CONFIG ":2: unknown key \"nonsense\"",
         NULL},
    };
    for_each_row(row, rows, row->name) {
        struct ria_fake fake;
        struct ria_error err;
        RIA_AUTO(token) token = RIA_TOKEN_INIT;
        ria_login_world(&fake, row->config);
        struct ria_login login = ria_login_good;
        login.host = row->host;
        login.port = row->port;
        login.region = row->region;
        enum ria_outcome outcome = ria_login_ask(&fake, &login, &token, &err);
        expect_number(row->name, outcome, row->start == NULL ? RIA_FAILED : RIA_FOUND);
        const char *text = outcome == RIA_FOUND ? ria_buf_text(&token.text) : err.text;
        expect_piece(row->name, text, row->scope);
        size_t len = row->start == NULL ? 0 : strlen(row->start);
        expect(row->name, len == 0 || strncmp(text, row->start, len) == 0);
        size_t warned = ria_fake_log_count(&fake, RIA_LOG_WARNING);
        expect_number(row->name, warned, row->warning == NULL ? 0 : 1);
        expect(
            row->name,
            row->warning == NULL || ria_fake_logged(&fake, RIA_LOG_WARNING, row->warning));
    }
}

static void environment_and_profile_do_not_set_the_region(void **state)
{
    (void)state;
    struct ria_fake fake;
    struct ria_error err;
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    ria_login_world(&fake, NULL);
    ria_fake_env(&fake, "AWS_REGION", "us-east-1");
    ria_fake_env(&fake, "AWS_DEFAULT_REGION", "us-east-1");
    ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, "[default]\nregion = us-east-1\n");
    assert_int_equal(ria_login_ask(&fake, &ria_login_good, &token, &err), RIA_FOUND);
    expect_piece("the name's region", ria_buf_text(&token.text), "%2Feu-west-1%2F");
    struct ria_login login = ria_login_good;
    login.host = "db.example";
    assert_int_equal(ria_login_ask(&fake, &login, &token, &err), RIA_FAILED);
    expect_piece("no region", err.text, "db.example is not an RDS endpoint");
}

static void the_remedy_names_the_configuration_file_in_use(void **state)
{
    (void)state;
    static const struct {
        const char *variable;
        const char *value;
        const char *want;
    } rows[] = {
        {"HOME", "/home/u", ", in ~/.config/rds-iam/config"},
        {"XDG_CONFIG_HOME", "/x", ", in /x/rds-iam/config"},
        {"XDG_CONFIG_HOME", "relative", ", in ~/.config/rds-iam/config"},
        {"RDS_IAM_CONFIG", "/etc/one", ", in /etc/one"},
        {"RDS_IAM_CONFIG", "~/one", ", in ~/one"},
    };
    static const struct {
        const char *host;
        enum ria_channel channel;
        const char *remedy;
    } remedies[] = {
        {"db.example",
         RIA_CHANNEL_VERIFIED,
         "[db.example:3306], then endpoint = ENDPOINT:ITS_PORT, then tls = verify-ca"},
        {"g.global-a.global.rds.amazonaws.com",
         RIA_CHANNEL_VERIFIED,
         "[g.global-a.global.rds.amazonaws.com], then endpoint = ENDPOINT:PORT"},
        {HOST, RIA_CHANNEL_CHAIN_VERIFIED, "[" HOST ":3306], then tls = verify-ca"},
    };
    for_each_row(row, rows, row->variable) {
        for_each_row(remedy, remedies, remedy->host) {
            struct ria_fake fake;
            struct ria_error err;
            RIA_AUTO(buf) want = {.max = RIA_ERROR_TEXT_MAX};
            RIA_AUTO(token) token = RIA_TOKEN_INIT;
            ria_login_world(&fake, NULL);
            ria_fake_env(&fake, row->variable, row->value);
            ria_fake_file(&fake, "/etc/one", "");
            ria_fake_file(&fake, "/home/u/one", "");
            struct ria_login login = ria_login_good;
            login.host = remedy->host;
            login.channel = remedy->channel;
            expect_number(row->value, ria_login_ask(&fake, &login, &token, &err), RIA_FAILED);
            ria_buf_addf(&want, "%s%s", remedy->remedy, row->want);
            expect_piece(row->value, err.text, ria_buf_text(&want));
            expect_number(row->value, strlen(strstr(err.text, row->want)), strlen(row->want));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_section_and_options_determine_what_is_signed),
        cmocka_unit_test(the_remedy_names_the_configuration_file_in_use),
        cmocka_unit_test(environment_and_profile_do_not_set_the_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
