/* SPDX-License-Identifier: MIT
 *
 * Finds the sub-command and gives it a world whose warnings go to stderr. */
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

struct command {
    const char *name;
    ria_command *run;
};

static const struct command commands[] = {
    {"credentials", ria_command_credentials},
    {"exec", ria_command_exec},
    {"lint", ria_command_lint},
    {"setup", ria_command_setup},
    {"token", ria_command_token},
};

static const char help[] =
    "usage: rds-iam COMMAND [OPTION...]\n"
    "\n"
    "Logs existing clients in to Amazon RDS and Aurora with IAM database authentication.\n"
    "\n"
    "commands:\n"
    "  credentials  print, explain or forget AWS credentials: rds-iam credentials --help\n"
    "  exec         run a command whose database logins use tokens: rds-iam exec --help\n"
    "  lint         check pg_service.conf by libpq's rules and ours: rds-iam lint --help\n"
    "  setup        print what to write for a client: rds-iam setup --help\n"
    "  token        print the token that logs a user in: rds-iam token --help\n"
    "\n"
    "options:\n"
    "  --help       this text\n"
    "  --version    the version\n";

/* A person reads warnings; the rest only where RDS_IAM_LOG asks for it. */
static void log_for_user(void *self, enum ria_log_level level, const char *line)
{
    (void)self;
    if (level == RIA_LOG_WARNING) {
        (void)fprintf(stderr, "rds-iam: warning: %s\n", line);
    } else {
        ria_world_log(ria_process_world(), level, "%s", line);
    }
}

int main(int argc, char **argv)
{
    if (!ria_standard_files_open()) {
        return RIA_EXIT_FAILED;
    }
    /* No core dump, and no debugger of another process, may show a secret. */
    (void)prctl(PR_SET_DUMPABLE, 0);
    struct ria_world world = *ria_process_world();
    world.log = log_for_user;
    if (argc < 2) {
        return ria_usage("", "no command given");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        return ria_print(help);
    }
    if (strcmp(argv[1], "--version") == 0) {
        return ria_print("rds-iam " RIA_VERSION "\n");
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            int status = commands[i].run(argc - 1, argv + 1, &world);
            ria_session_forget();
            return status;
        }
    }
    return ria_usage("", "unknown command \"%s\"", argv[1]);
}
