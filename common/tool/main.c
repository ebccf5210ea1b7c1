/* SPDX-License-Identifier: MIT
 *
 * Finds the sub-command and runs it with a world that prints warnings on stderr. Wipes the
 * credentials in memory after the sub-command returns. Rejects a missing or unknown sub-command. */
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

struct command {
    const char *name;
    ria_command *run;
};

static const struct command commands[] = {
    {"check", ria_command_check},
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
    "  check        check everything that a login needs, and explain a refused login\n"
    "  credentials  print, explain or clear AWS credentials\n"
    "  exec         run a command whose database logins use tokens\n"
    "  lint         check pg_service.conf for errors\n"
    "  setup        print or write the configuration of clients; install root certificates\n"
    "  token        print a token for one database login\n"
    "\n"
    "Run rds-iam COMMAND --help for the options of a command.\n"
    "\n"
    "options:\n"
    "  --help       print this text\n"
    "  --version    print the version\n";

/* Prints a warning on stderr, and also logs it if RDS_IAM_LOG names a file. Sends any other line to
 * the log, as RDS_IAM_LOG configures it. */
static void log_for_user(void *self, enum ria_log_level level, const char *line)
{
    (void)self;
    if (level == RIA_LOG_WARNING) {
        (void)fprintf(stderr, "rds-iam: warning: %s\n", line);
        (void)ria_process_log_to_file(level, line);
    } else {
        ria_world_log(ria_process_world(), level, "%s", line);
    }
}

int main(int argc, char **argv)
{
    if (!ria_standard_files_open()) {
        return RIA_EXIT_FAILED;
    }
    /* Keep secrets out of core dumps and debuggers. */
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
