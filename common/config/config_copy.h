/* SPDX-License-Identifier: MIT
 *
 * One file of rds-iam's configuration, read and checked, and this process's copies of such files.
 * A file holds no credentials, and a copy of it none either.
 *
 * A copy serves as long as world->look() shows the file that was read: the same device, inode,
 * size, times, owner, group and mode, asked by the same user. The ownership rule of base/trust.h is
 * judged anew at each use. Where a file was changed less than a clock tick before it was read
 * (struct ria_stamp), a further change could go unseen, so no copy is made; nor where the world
 * cannot look.
 *
 * From any thread. The lock is held for a few instructions and only tried, so the child of a fork()
 * in the middle waits for nobody: without the lock, a login reads the file itself.
 */
#ifndef RIA_AWS_CONFIG_COPY_H
#define RIA_AWS_CONFIG_COPY_H

#include "aws/setting.h"
#include "config/section_table.h"

/* Unchanged once it is shared. */
struct ria_config_file {
    unsigned users; /* who release it; changed by the functions below */
    struct ria_buf path;
    struct ria_file facts;
    uid_t reader;
    struct ria_ini ini;
    struct ria_section_table sections;
};

/* The copy of the file, which the caller releases; NULL: there is none, or the file has changed. */
struct ria_config_file *ria_config_copy_get(const struct ria_world *world, const char *path);

/* Offers a file that was read and found whole, in place of an older copy of it. */
void ria_config_copy_put(const struct ria_world *world, struct ria_config_file *file);

void ria_config_file_release(struct ria_config_file *file);

#endif
