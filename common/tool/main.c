/* SPDX-License-Identifier: MIT
 *
 * Finds the sub-command and runs it. This program contains rds-iam exec and links only libc,
 * because its own start delays every command that rds-iam exec runs. Every other sub-command is in
 * rds-iam-commands.so, which links libcrypto and is loaded on demand. Rejects a missing or unknown
 * sub-command, and reports an object that cannot be loaded. */
#include "cli/command_line.h"
#include "tool/tool.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

struct arguments {
    bool prints_version;
};

static const struct ria_option options[] = {
    {"version", NULL, "print the version", RIA_FLAG(struct arguments, prints_version)},
};

/* Runs a command of rds-iam-commands.so. The program and the object may be of different versions,
 * so the program passes only the command line, and the object makes its own world
 * (base/world.h). */
static int run_from_object(int argc, char **argv, const struct ria_world *world)
{
    ria_commands_function *run = NULL;
    (void)world;
    void *object = dlopen(RIA_COMMANDS_PATH, RTLD_NOW | RTLD_LOCAL);
    void *found = object == NULL ? NULL : dlsym(object, RIA_COMMANDS_SYMBOL);
    if (found == NULL) {
        const char *reason = dlerror();
        return ria_failure(
            "%s; reinstall rds-iam", reason != NULL ? reason : RIA_COMMANDS_PATH ": is damaged");
    }
    /* ISO C has no cast from an object pointer to a function pointer. */
    memcpy(&run, &found, sizeof(found));
    return run(argc, argv);
}

static const struct ria_command_row commands[] = {
    {"check", "check everything that a login needs, and explain a refused login", run_from_object},
    {"credentials", "print, explain or clear AWS credentials", run_from_object},
    {"exec", "run a command whose database logins use tokens", ria_command_exec},
    {"lint", "check pg_service.conf for errors", run_from_object},
    {"setup",
     "print or write the configuration of clients; install root certificates",
     run_from_object},
    {"token", "print a token for one database login", run_from_object},
};

static const struct ria_hint hints[] = {
    {"psql", "write rds-iam exec -- psql"},
    {"pg_dump", "write rds-iam exec -- pg_dump"},
    {"mariadb", "write rds-iam exec -- mariadb"},
    {"mysql", "write rds-iam exec -- mysql"},
    {"mysqldump", "write rds-iam exec -- mysqldump"},
    {"login", "write rds-iam exec -- and the client"},
    {"version", "write --version"},
    {"-v", "write --version"},
    {"-V", "write --version"},
    {"agent", "run rds-iam-agent"},
    {"status", "run rds-iam-agent --status"},
    {0},
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
            .hints = hints,
            .notes = "Run rds-iam COMMAND --help for the options of a command.\n",
        },
    .rows = commands,
    .count = sizeof(commands) / sizeof(commands[0]),
};

int main(int argc, char **argv)
{
    if (!ria_standard_files_open()) {
        return RIA_EXIT_FAILED;
    }
    /* Keep secrets out of core dumps and debuggers. */
    (void)prctl(PR_SET_DUMPABLE, 0);
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        return ria_print("rds-iam " RIA_VERSION "\n");
    }
    struct ria_tool_log log = {""};
    struct ria_world world = ria_tool_world(&log);
    return ria_command_run(&group, argc, argv, &world);
}
