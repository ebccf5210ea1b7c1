/* SPDX-License-Identifier: MIT
 *
 * The process that we run in, which most often belongs to another program: its world
 * (base/world.h), and what a program of our own does before it uses one.
 */
#ifndef RIA_PROCESS_WORLD_H
#define RIA_PROCESS_WORLD_H

#include "base/world.h"

/* The process's own environment, clocks and files. Environment variables are read by
 * secure_getenv(). It has a log only if RDS_IAM_LOG is set as this is called (to "warning": for
 * warnings alone; empty or "0" is as not set).
 *
 * The log goes to stderr: to descriptor 2 while that is the file that it was before main(), in a
 * program of ours and in every program under rds-iam exec. Elsewhere it must be the file that it
 * was at the first call of this function, without the close-on-exec flag, and a terminal, a file, a
 * pipe, a pair of Unix sockets or the journal's socket. So RDS_IAM_LOG must not be set for a
 * program that closes its stderr before its first login, opens its data at descriptor 2 without
 * that flag, and does not run under rds-iam exec.
 * Static storage. */
const struct ria_world *ria_process_world(void);

/* The home directory of the effective user's passwd entry, or NULL: home() of that world. It stays
 * valid as long as the process. The first call for a user asks NSS and takes 2 seconds at most;
 * later calls ask nothing. For any thread. */
const char *ria_home_of_user(void);

/* -- for a program of ours, which is no guest -------------------------------------------------- */

/* Opens those of the descriptors 0 to 2 that are closed on /dev/null, so that no file opened later
 * gets their numbers: reads from 0 are at the end, writes to 1 fail as they did, writes to 2 are
 * dropped. Called first in main(), before anything else is opened. False without /dev/null or
 * descriptors; then the program must end. */
bool ria_standard_files_open(void) RIA_MUST_USE;

#endif
