/* SPDX-License-Identifier: MIT
 *
 * The commands that wait for one another: a credential_process may run a program that reads AWS
 * profiles and runs a credential_process of its own. Such a chain is fine while it ends. One that
 * leads back to itself would start processes until the system has no more.
 *
 * Two things are known of a chain. The environment variable RDS_IAM_PROCESS_CHAIN lists its links,
 * so that the first repetition is seen and can be shown; every program in between hands it on. And
 * each command that runs has a keeper (credential_process.c) among the ancestors of the next one,
 * which a program that clears its environment does not take away.
 *
 * The variable's value is "ID:NAME,ID:NAME": ID identifies the link by the file, the profile and
 * the text of the command (128 bits of a SHA-256, lower-case hexadecimal); NAME is the profile's,
 * for messages, cut to RIA_PROCESS_CHAIN_NAME_MAX bytes and percent-encoded. It holds no secret.
 */
#ifndef RIA_FETCH_PROCESS_CHAIN_H
#define RIA_FETCH_PROCESS_CHAIN_H

#include "aws/setting.h"

#define RIA_PROCESS_CHAIN_VARIABLE "RDS_IAM_PROCESS_CHAIN"

/* The name that a keeper has in /proc/PID/stat. */
#define RIA_PROCESS_KEEPER "rds-iam-keeper"

/* Every refusal of a chain holds these words, so that a command further up can find it in what its
 * child printed. */
#define RIA_PROCESS_CHAIN_REFUSAL "this credential_process is not started, because "

enum {
    RIA_PROCESS_CHAIN_MAX = 8, /* commands that wait for one another */
    RIA_PROCESS_CHAIN_NAME_MAX = 48,
};

/* Appends to *chain the value that the command must get: the caller's own value, with the command
 * added. `profile` is the one that the command is written in. False, with a sentence that begins
 * with the command's file and line,
 *   - if the command is in the chain already;
 *   - if RIA_PROCESS_CHAIN_MAX commands wait already, by the variable or by the ancestors;
 *   - if the variable has a value that this function did not write: what it stood for is not known,
 *     so the command is not started. A blank value counts as unset. */
bool ria_process_chain_add(
    const struct ria_world *world,
    const struct ria_setting *command,
    const char *profile,
    struct ria_buf *chain,
    struct ria_error *err) RIA_MUST_USE;

#endif
