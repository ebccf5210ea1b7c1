/* SPDX-License-Identifier: MIT
 *
 * rds-iam token: what aws rds generate-db-auth-token does, with its options. Differences: the
 * region comes from the host name unless --region says it, and rds-iam's configuration file counts
 * as it does in the hooks. */
#include "tool/tool.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

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

struct arguments {
    const char *hostname;
    const char *port;
    unsigned port_number;
    const char *username;
    const char *region;
    const char *profile;
    bool wants_help;
};

/* The value is stored at the option's place in struct arguments. */
static const struct option options[] = {
    {"hostname", required_argument, NULL, 'H'},
    {"port", required_argument, NULL, 'p'},
    {"username", required_argument, NULL, 'u'},
    {"region", required_argument, NULL, 'r'},
    {"profile", required_argument, NULL, 'P'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char **place_of(struct arguments *arguments, int option)
{
    switch (option) {
    case 'H':
        return &arguments->hostname;
    case 'p':
        return &arguments->port;
    case 'u':
        return &arguments->username;
    case 'r':
        return &arguments->region;
    case 'P':
        return &arguments->profile;
    default:
        return NULL;
    }
}

/* Decimal digits only; 0 for anything that is no port. */
static unsigned port_of(const char *text)
{
    unsigned port = 0;
    if (strspn(text, "0123456789") != strlen(text) || strlen(text) > 5) {
        return 0;
    }
    for (const char *at = text; *at != '\0'; at++) {
        port = (port * 10) + (unsigned)(*at - '0');
    }
    return port <= UINT16_MAX ? port : 0;
}

/* getopt_long() has not yet gone past a word of several letters, so the letter is named. It leaves
 * 'h' for --help=VALUE, because -h itself is known. */
static int unknown_option(char **argv)
{
    if (optopt != 0 && optopt != 'h') {
        return ria_usage("token", "unknown option -%c", optopt);
    }
    return ria_usage("token", "unknown option %s", argv[optind - 1]);
}

/* Returns RIA_EXIT_OK or RIA_EXIT_USAGE, having said what is wrong. */
static int parse(int argc, char **argv, struct arguments *out)
{
    opterr = 0;
    int option;
    int index = 0;
    while ((option = getopt_long(argc, argv, ":h", options, &index)) != -1) {
        const char **place = place_of(out, option);
        if (option == 'h') {
            out->wants_help = true;
            return RIA_EXIT_OK;
        }
        if (option == ':') {
            return ria_usage("token", "%s needs a value", argv[optind - 1]);
        }
        if (place == NULL) {
            return unknown_option(argv);
        }
        if (*optarg == '\0') {
            return ria_usage("token", "the value of --%s is empty", options[index].name);
        }
        *place = optarg;
    }
    if (optind < argc) {
        return ria_usage("token", "unexpected argument \"%s\"", argv[optind]);
    }
    const struct {
        const char *name;
        const char *value;
    } required[] = {
        {"--hostname", out->hostname}, {"--port", out->port}, {"--username", out->username}};
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        if (required[i].value == NULL) {
            return ria_usage("token", "%s is missing", required[i].name);
        }
    }
    out->port_number = port_of(out->port);
    if (out->port_number == 0) {
        return ria_usage("token", "--port \"%s\" is not between 1 and 65535", out->port);
    }
    return RIA_EXIT_OK;
}

int ria_command_token(int argc, char **argv, const struct ria_world *world)
{
    struct arguments arguments = {0};
    int status = parse(argc, argv, &arguments);
    if (status != RIA_EXIT_OK) {
        return status;
    }
    if (arguments.wants_help) {
        return ria_print(help);
    }
    struct ria_login login = {
        .host = arguments.hostname,
        .port = arguments.port_number,
        .user = arguments.username,
        .channel = RIA_CHANNEL_NONE,
        .region = arguments.region,
        .profile = arguments.profile,
    };
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
        (void)fputs("rds-iam: out of memory\n", stderr);
        return RIA_EXIT_FAILED;
    }
    return ria_print(text);
}
