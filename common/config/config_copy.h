/* SPDX-License-Identifier: MIT
 *
 * A parsed file of rds-iam's configuration, and the copies of such files that this process keeps in
 * memory. The file and its copies contain no credentials.
 *
 * A copy is used while world->look() shows that the file is unchanged: the same device, inode,
 * size, times, owner, group and mode, for the same user. The rule of base/trust.h is checked at
 * each use. If a file was changed less than a clock tick before it was read (struct ria_stamp),
 * another change could be missed, so the file is not copied. It is not copied either if the world
 * has no look().
 *
 * All functions may be called from any thread. The lock is held for a few instructions, and a
 * caller only tries to take it, so that a child of fork() never deadlocks. A login that does not
 * get the lock reads the file itself.
 */
#ifndef RIA_AWS_CONFIG_COPY_H
#define RIA_AWS_CONFIG_COPY_H

#include "aws/setting.h"
#include "config/section_table.h"

/* Immutable after it is shared, except for `users`. */
struct ria_config_file {
    unsigned users; /* reference count, changed only by the functions below */
    struct ria_buf path;
    struct ria_file facts;
    uid_t reader;
    struct ria_ini ini;
    struct ria_section_table sections;
};

/* Returns a reference to the copy of the file, which the caller releases; NULL if there is no copy
 * or the file has changed. */
struct ria_config_file *ria_config_copy_get(const struct ria_world *world, const char *path);

/* Stores a file that was read and passed its checks, in place of an older copy of it. The caller
 * keeps its own reference. */
void ria_config_copy_put(const struct ria_world *world, struct ria_config_file *file);

/* Releases a reference, and frees the file with the last one. Accepts NULL. */
void ria_config_file_release(struct ria_config_file *file);

#endif
