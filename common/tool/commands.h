/* SPDX-License-Identifier: MIT
 *
 * The interface between the program rds-iam and rds-iam-commands.so: one exported function. The
 * object contains every sub-command except rds-iam exec. It is a file of its own because it links
 * libcrypto, whose loading takes longer than all the work of rds-iam exec.
 */
#ifndef RIA_TOOL_COMMANDS_H
#define RIA_TOOL_COMMANDS_H

#define RIA_COMMANDS_PATH RIA_PKGLIBDIR "/rds-iam-commands.so"
#define RIA_COMMANDS_SYMBOL "ria_commands_run"

typedef int ria_commands_function(int argc, char **argv);

/* Runs the sub-command that argv[0] names: "rds-iam token", for example. Returns the exit status.
 * Wipes the credentials in memory before it returns. Called once per process. */
ria_commands_function ria_commands_run;

#endif
