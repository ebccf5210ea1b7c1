/* SPDX-License-Identifier: MIT
 *
 * Finds the sub-command and runs it with a world that prints warnings on stderr. Wipes the
 * credentials in memory after the sub-command returns. Rejects a missing or unknown sub-command. */
#include "cli/command_line.h"
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

struct arguments {
    bool prints_version;
};

static const struct ria_option options[] = {
    {"version", NULL, "print the version", RIA_FLAG(struct arguments, prints_version)},
};

static const struct ria_command_row commands[] = {
    {"check",
     "check everything that a login needs, and explain a refused login",
     ria_command_check},
    {"credentials", "print, explain or clear AWS credentials", ria_command_credentials},
    {"exec", "run a command whose database logins use tokens", ria_command_exec},
    {"lint", "check pg_service.conf for errors", ria_command_lint},
    {"setup",
     "print or write the configuration of clients; install root certificates",
     ria_command_setup},
    {"token", "print a token for one database login", ria_command_token},
};

static const struct ria_command_group group = {
    .name = "rds-iam",
    .noun = "command",
    .syntax =
        {
            .usage = "rds-iam COMMAND [OPTION...]\n",
            .about = "Logs existing clients in to Amazon RDS and Aurora with IAM database\n"
                     "authentication.\n",
            .options = options,
            .count = sizeof(options) / sizeof(options[0]),
            .notes = "Run rds-iam COMMAND --help for the options of a command.\n",
        },
    .rows = commands,
    .count = sizeof(commands) / sizeof(commands[0]),
};

/* Prints a warning on stderr, and also writes it to the log file if RDS_IAM_LOG names one. Passes
 * any other line to the log that RDS_IAM_LOG configures. */
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
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        return ria_print("rds-iam " RIA_VERSION "\n");
    }
    int status = ria_command_run(&group, argc, argv, &world);
    ria_session_forget();
    return status;
}
