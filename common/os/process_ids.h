/* SPDX-License-Identifier: MIT
 *
 * Compares the process's real ids with its effective ids. They are equal when a program starts,
 * unless it starts with more rights than its caller (AT_SECURE). They can differ later, if a
 * program with the necessary capability changes one of them (seteuid(2), setegid(2)). Each function
 * makes one system call and returns false if this call fails. Thread-safe.
 */
#ifndef RIA_PROCESS_IDS_H
#define RIA_PROCESS_IDS_H

#include <stdbool.h>
#include <sys/types.h>

/* Returns whether the real user is also the effective user. Sets *user to this user. */
bool ria_process_has_one_user(uid_t *user);

/* Returns whether the real group is also the effective group. */
bool ria_process_has_one_group(void);

#endif
