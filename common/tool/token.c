/* SPDX-License-Identifier: MIT
 *
 * rds-iam token: prints a token for one database login. It has the options of `aws rds
 * generate-db-auth-token`, with two differences. If --region is not given, the region comes from
 * the host name. Like the plugins, the command reads rds-iam's configuration file. */
#include "cli/command_line.h"
#include "tool/tool.h"

#include <stdio.h>

struct token_arguments {
    struct ria_login login;
    const char *port;
};

static const struct ria_option options[] = {
    {"hostname",
     "HOST",
     "the host name that the client connects to",
     RIA_REQUIRED(struct token_arguments, login.host)},
    {"port", "PORT", "its port", RIA_REQUIRED(struct token_arguments, port)},
    {"username", "USER", "the database user", RIA_REQUIRED(struct token_arguments, login.user)},
    {"region",
     "REGION",
     "the AWS region of the database; default: the region in the host name",
     RIA_VALUE(struct token_arguments, login.region)},
    {"profile",
     "NAME",
     "the AWS profile to sign with; default: the AWS_ACCESS_KEY_ID pair, else AWS_PROFILE, else "
     "the profile \"default\"",
     RIA_VALUE(struct token_arguments, login.profile)},
};

static const struct ria_syntax token_syntax = {
    .usage = "rds-iam token --hostname HOST --port PORT --username USER [OPTION...]\n",
    .about = "Prints a token and a newline. The token is the password of USER at HOST:PORT for\n"
             "15 minutes.\n",
    .options = options,
    .count = sizeof(options) / sizeof(options[0]),
};

int ria_command_token(int argc, char **argv, const struct ria_world *world)
{
    struct token_arguments arguments = {.login = {.channel = RIA_CHANNEL_NONE}};
    struct ria_login *login = &arguments.login;
    int status = ria_options_parse(argc, argv, &token_syntax, &arguments);
    if (status != RIA_CONTINUE) {
        return status;
    }
    status = ria_options_port(argv[0], arguments.port, &login->port);
    if (status != RIA_CONTINUE) {
        return status;
    }
    /* Unbuffered, so that no copy of the token stays in stdio's memory. */
    (void)setvbuf(stdout, NULL, _IONBF, 0);
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    struct ria_error err;
    struct ria_deadline deadline = ria_deadline_in(world, RIA_LOGIN_BUDGET_MS);
    if (ria_token_for(login, deadline, world, &token, &err) != RIA_FOUND) {
        return ria_failure("%s", err.text);
    }
    ria_buf_add_char(&token.text, '\n');
    const char *text = ria_buf_text(&token.text);
    if (text == NULL) {
        return ria_out_of_memory();
    }
    return ria_print(text);
}
