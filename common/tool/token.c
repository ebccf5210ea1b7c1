/* SPDX-License-Identifier: MIT
 *
 * rds-iam token: prints a token for one database login. It has the options of `aws rds
 * generate-db-auth-token`, with two differences: the region comes from the host name unless
 * --region is given, and the command applies rds-iam's configuration file, as the plugins do. */
#include "tool/options.h"
#include "tool/tool.h"

#include <stdio.h>

static const char help[] =
    "usage: rds-iam token --hostname HOST --port PORT --username USER [OPTION...]\n"
    "\n"
    "Prints a token and a newline. The token is the password of USER at HOST:PORT for 15 minutes.\n"
    "\n"
    "  --hostname HOST    the host name that the client connects to\n"
    "  --port PORT        its port\n"
    "  --username USER    the database user\n"
    "  --region REGION    the AWS region of the database; default: the region in the host name\n"
    "  --profile NAME     the AWS profile to sign with; default: the AWS_ACCESS_KEY_ID pair, else\n"
    "                     AWS_PROFILE, else the profile \"default\"\n"
    "  --help             print this text\n"
    "\n"
    "exit status: 0 (success), 1 (failure, with one message on stderr), 2 (usage error)\n";

int ria_command_token(int argc, char **argv, const struct ria_world *world)
{
    struct ria_login login = {.channel = RIA_CHANNEL_NONE};
    const char *port = NULL;
    const struct ria_option options[] = {
        {.name = "hostname", .value = &login.host, .is_required = true},
        {.name = "port", .value = &port, .is_required = true},
        {.name = "username", .value = &login.user, .is_required = true},
        {.name = "region", .value = &login.region},
        {.name = "profile", .value = &login.profile},
    };
    int status = ria_options_parse(argc, argv, options, sizeof(options) / sizeof(options[0]), help);
    if (status != RIA_CONTINUE) {
        return status;
    }
    status = ria_options_port(argv[0], port, &login.port);
    if (status != RIA_CONTINUE) {
        return status;
    }
    /* Unbuffered, so that no copy of the token stays in stdio's memory. */
    (void)setvbuf(stdout, NULL, _IONBF, 0);
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    struct ria_error err;
    struct ria_deadline deadline = ria_deadline_in(world, RIA_LOGIN_BUDGET_MS);
    if (ria_token_for(&login, deadline, world, &token, &err) != RIA_FOUND) {
        (void)fprintf(stderr, "rds-iam: %s\n", err.text);
        return RIA_EXIT_FAILED;
    }
    ria_buf_add_char(&token.text, '\n');
    const char *text = ria_buf_text(&token.text);
    if (text == NULL) {
        return ria_out_of_memory();
    }
    return ria_print(text);
}
