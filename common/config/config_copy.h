/* SPDX-License-Identifier: MIT
 *
 * Caches parsed files of rds-iam's configuration in the memory of this process. The files contain
 * no credentials.
 *
 * A copy is used only while two conditions hold: the effective user of the process is still the
 * user who read the file, and world->read_facts() still returns the same facts (device, inode,
 * size, times, owner, group, mode and access control list). The check of base/trust.h depends only
 * on this user and these facts. The file passed the check when it was read, so the check is not
 * repeated for the copy. A file that was changed just before it was read is not cached, because the
 * next change of the file might leave its times unchanged (is_settled in struct ria_stamp). A file
 * is also not cached if the world has no read_facts().
 *
 * All functions may be called from any thread. A thread holds the lock for a few instructions.
 * The functions try to take the lock and never wait for it, so that a child of fork() never
 * deadlocks. If a login does not get the lock, it reads the file itself.
 */
#ifndef RIA_CONFIG_CONFIG_COPY_H
#define RIA_CONFIG_CONFIG_COPY_H

#include "aws/setting.h"
#include "config/section_table.h"

/* Immutable after it is shared, except for `users`. */
struct ria_config_file {
    unsigned users; /* reference count, changed only by the functions below */
    struct ria_buf path;
    struct ria_file facts; /* of the file when it was read */
    uid_t reader;          /* effective user when the file was read */
    struct ria_ini ini;
    struct ria_section_table sections;
};

/* Returns a reference to the cached copy of the file. `user` is the effective user. The caller
 * releases the reference. Returns NULL if the file has no copy, if one of the two conditions above
 * does not hold, or if another thread holds the lock. */
struct ria_config_file *ria_config_copy_get(
    const struct ria_world *world, uid_t user, const char *path);

/* Sets file->reader, and caches the file, which has been read and has passed its checks. Does not
 * cache the file if it was changed just before it was read, if the world has no read_facts(), or if
 * the lock is taken. The new copy replaces an older copy of the same path. The caller keeps its own
 * reference. */
void ria_config_copy_put(const struct ria_world *world, struct ria_config_file *file);

/* Releases a reference, and frees the file when its last reference is released. Accepts NULL. */
void ria_config_file_release(struct ria_config_file *file);

#endif
