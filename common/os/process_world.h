/* SPDX-License-Identifier: MIT
 *
 * The world (base/world.h) of the current process, which is usually another vendor's program that
 * has loaded this library. Also declares the functions of home.c and standard_files.c.
 */
#ifndef RIA_PROCESS_WORLD_H
#define RIA_PROCESS_WORLD_H

#include "base/world.h"

/* Returns the world that reads the process's own environment, clocks and files. Its env()
 * uses secure_getenv(). The world has a log only if RDS_IAM_LOG enables logging at the time of the
 * call (base/log_line.h). The result is static. Thread-safe.
 *
 * A log without a file goes to descriptor 2, but only while that descriptor is still the process's
 * stderr. rds-iam's own programs, and every program under rds-iam exec, remember before main()
 * which file is their stderr. In any other program, the first call of this function while
 * RDS_IAM_LOG enables logging remembers the file at descriptor 2. It does so only if descriptor 2
 * has no close-on-exec flag, and is a terminal, a file, a pipe, a pair of Unix sockets or the
 * journal's socket. Some programs close their stderr before the first login, and then open a data
 * file at descriptor 2 without that flag. Do not set RDS_IAM_LOG for such a program without rds-iam
 * exec, because the log would be written into the data file. */
const struct ria_world *ria_process_world(void);

/* Returns the home directory in the passwd entry of the effective user, or NULL if the entry has no
 * home directory or NSS did not respond. home() of the world above calls this function. The text
 * stays valid until the process ends. The first call for a user queries NSS and blocks for at most
 * 2 seconds; later calls return the cached result. If NSS did not respond, it is queried again
 * after a minute. Thread-safe. */
const char *ria_home_of_user(void);

/* Appends a line to the file that RDS_IAM_LOG names. Returns false if RDS_IAM_LOG names no file or
 * does not include the level, or if the file cannot be used. This function is for programs that
 * also report to a user by other means. Thread-safe. */
bool ria_process_log_to_file(enum ria_log_level level, const char *text);

/* -- for rds-iam's own programs ---------------------------------------------------------------- */

/* Opens /dev/null on each of the descriptors 0 to 2 that is closed, so that no file that is opened
 * later gets the number 0, 1 or 2. If descriptor 0 was closed, a read from it then returns end of
 * file. If 1 was closed, a write to it fails, as it did before the call. If 2 was closed, a write
 * to it is discarded. Call this first in main(), before any other file is opened. Returns false if
 * /dev/null cannot be opened. In this case the program must exit. */
bool ria_standard_files_open(void) RIA_MUST_USE;

#endif
