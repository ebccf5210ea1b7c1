/* SPDX-License-Identifier: MIT
 *
 * Reads the facts about a file for base/trust.h, and replaces a file as a whole. Used by
 * the process's world (os/process_world.c), and by programs that open directories themselves. All
 * functions may be called from any thread. They block only on the file system.
 */
#ifndef RIA_FILE_H
#define RIA_FILE_H

#include "base/world.h"

/* Fills *out for an open descriptor. Returns false with errno set on failure. */
bool ria_file_facts(int fd, struct ria_file *out) RIA_MUST_USE;

/* Like ria_file_facts(), for a path. Follows a link. For directories that cannot be opened. Returns
 * false with errno set on failure. */
bool ria_file_facts_at(const char *path, struct ria_file *out) RIA_MUST_USE;

/* Returns whether an open file has the given type (S_IFREG, S_IFDIR) and is private (base/trust.h).
 */
bool ria_file_is_private(int fd, mode_t kind) RIA_MUST_USE;

/* Creates a new, empty file and opens it for reading and writing. Any file that has the name is
 * removed first, and a link is never followed. The umask applies to the mode. Returns a descriptor
 * with FD_CLOEXEC, owned by the caller, or -1 with errno set. */
int ria_file_create_at(int directory, const char *name, mode_t mode) RIA_MUST_USE;

/* Replaces the contents of an open file with `bytes`; the file offset does not change. On failure,
 * returns false with errno set, and the file is empty. */
bool ria_file_fill(int fd, const void *bytes, size_t len) RIA_MUST_USE;

/* Renames the complete new file `fresh` to `name`, replacing any file of that name. On failure,
 * returns false with errno set; the old file is then untouched and the new file removed. */
bool ria_file_put_at(int directory, const char *fresh, const char *name) RIA_MUST_USE;

/* A file to replace. A reader sees the old contents or the new contents, never a part of either. */
struct ria_replacement {
    int directory;     /* open descriptor of the directory that contains both names */
    const char *name;  /* NULL: only tests whether the new file could be written */
    const char *fresh; /* temporary name of the new file; only one writer may use it at a time */
    mode_t mode;
    bool is_synced; /* sync the file and its directory to the disk before returning */
    bool has_owner; /* root changes the new file's owner to `owner` and `group` before writing */
    uid_t owner;
    gid_t group;
};

/* Creates the new file, writes `bytes` to it and renames it. Returns false with errno set on
 * failure; the old file is then untouched. */
bool ria_file_replace(const struct ria_replacement *what, const void *bytes, size_t len)
    RIA_MUST_USE;

#endif
