/* SPDX-License-Identifier: MIT
 *
 * The one exported function of rds-iam-commands.so. Runs a sub-command with a world (base/world.h)
 * that prints warnings on stderr, and wipes the credentials in memory after the sub-command
 * returns. Rejects a sub-command that is not in the table of this file. The program rds-iam passes
 * such a name only if the program is of another version. */
#include "tool/tool.h"

#include <openssl/crypto.h>
#include <string.h>

static const struct {
    const char *name;
    ria_command *run;
} commands[] = {
    {"rds-iam check", ria_command_check},
    {"rds-iam credentials", ria_command_credentials},
    {"rds-iam lint", ria_command_lint},
    {"rds-iam setup", ria_command_setup},
    {"rds-iam token", ria_command_token},
};

/* Switches off two parts of OpenSSL that this program never needs, and that take a tenth of the
 * time of rds-iam token: the texts of OpenSSL's errors, and the release of its memory at exit. */
static void prepare_openssl(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_ATEXIT, NULL);
}

__attribute__((visibility("default"))) int ria_commands_run(int argc, char **argv)
{
    struct ria_tool_log log = {""};
    struct ria_world world = ria_tool_world(&log);
    prepare_openssl();
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, argv[0]) == 0) {
            int status = commands[i].run(argc, argv, &world);
            ria_session_forget();
            return status;
        }
    }
    return ria_failure(RIA_COMMANDS_PATH ": is of another version; reinstall rds-iam");
}
