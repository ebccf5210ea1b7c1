/* SPDX-License-Identifier: MIT
 *
 * Chains of nested credential_process commands. A credential_process may run a program that reads
 * AWS profiles and runs another credential_process. A finite chain is allowed. A chain that
 * contains the same command twice would start processes until the system can start no more, so such
 * a chain is rejected.
 *
 * Two mechanisms detect such a chain. First, the environment variable RDS_IAM_PROCESS_CHAIN lists
 * the commands of the chain, and each program passes the variable on. The variable reveals a
 * repeated command at once, and the message can show the chain. Second, each running command has a
 * keeper process (credential_process.c) among the ancestors of the next command. The number of
 * keepers limits the chain even if a program clears its environment.
 *
 * The variable's value is "ID:NAME,ID:NAME,...", one entry for each command. ID is the first 128
 * bits of a SHA-256 over the file, the profile and the text of the command, in lower-case
 * hexadecimal. NAME is the name of the profile for messages, cut to RIA_PROCESS_CHAIN_NAME_MAX
 * bytes and percent-encoded. The value contains no secret.
 */
#ifndef RIA_FETCH_PROCESS_CHAIN_H
#define RIA_FETCH_PROCESS_CHAIN_H

#include "aws/setting.h"

#define RIA_PROCESS_CHAIN_VARIABLE "RDS_IAM_PROCESS_CHAIN"

/* The name of a keeper in /proc/PID/stat. */
#define RIA_PROCESS_KEEPER "rds-iam-keeper"

/* Every message that rejects a chain contains these words, so that the programs that started the
 * earlier commands of the chain can find the message in the stderr of their own command. */
#define RIA_PROCESS_CHAIN_REFUSAL "this credential_process is not started, because "

enum {
    RIA_PROCESS_CHAIN_MAX = 8, /* nested commands, each of which waits for the next */
    RIA_PROCESS_CHAIN_NAME_MAX = 48,
};

/* Appends to *chain the variable's value for a new command: the value in this process's
 * environment, and the new command. `profile` is the profile that contains the command. Returns
 * false with err filled if memory runs out, or if the chain is rejected. The message of a rejected
 * chain begins with the command's file and line. A chain is rejected in these cases:
 *
 *   - the chain already contains the command;
 *   - RIA_PROCESS_CHAIN_MAX commands are already running, according to the variable or to the
 *     number of keepers;
 *   - the variable has a value that this function could not have written. The commands of such a
 *     chain are unknown. A blank value counts as unset. */
bool ria_process_chain_add(
    const struct ria_world *world,
    const struct ria_setting *command,
    const char *profile,
    struct ria_buf *chain,
    struct ria_error *err) RIA_MUST_USE;

#endif
