/* SPDX-License-Identifier: MIT
 *
 * Compares the ids that getresuid(2) and getresgid(2) return. One system call cannot return the
 * ids of both user and group. */
#include "os/process_ids.h"

#include <unistd.h>

bool ria_process_has_one_user(uid_t *user)
{
    uid_t real;
    uid_t saved;
    return getresuid(&real, user, &saved) == 0 && real == *user;
}

bool ria_process_has_one_group(void)
{
    gid_t real;
    gid_t effective;
    gid_t saved;
    return getresgid(&real, &effective, &saved) == 0 && real == effective;
}
