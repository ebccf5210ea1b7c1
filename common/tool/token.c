/* SPDX-License-Identifier: MIT
 *
 * rds-iam token: what aws rds generate-db-auth-token does, with its options. Differences: the
 * region comes from the host name unless --region says it, and rds-iam's configuration file counts
 * as it does in the hooks. */
#include "tool/options.h"
#include "tool/tool.h"

#include <stdio.h>

static const char help[] =
    "usage: rds-iam token --hostname HOST --port PORT --username USER [OPTION...]\n"
    "\n"
    "Prints the token that logs USER in at HOST:PORT within the next 15 minutes, and a newline.\n"
    "\n"
    "  --hostname HOST    the endpoint, as a client would dial it\n"
    "  --port PORT        its port\n"
    "  --username USER    the database user\n"
    "  --region REGION    sign for this region; by default the host name says it\n"
    "  --profile NAME     sign with this AWS profile; by default AWS_ACCESS_KEY_ID and its pair,\n"
    "                     else AWS_PROFILE, else the profile \"default\"\n"
    "  --help             this text\n"
    "\n"
    "exit status: 0, 1 (failed: one sentence on stderr), 2 (usage)\n";

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
    if (status != RIA_GO_ON) {
        return status;
    }
    status = ria_options_port(argv[0], port, &login.port);
    if (status != RIA_GO_ON) {
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
