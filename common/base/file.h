/* SPDX-License-Identifier: MIT
 *
 * Files as a whole: their facts, for the rule of base/trust.h (asked of the kernel here, and judged
 * there), and replacing one by a new one. Used by the process's own world, and by programs that
 * open directories themselves. For any thread; nothing here blocks but the file system.
 */
#ifndef RIA_FILE_H
#define RIA_FILE_H

#include "base/world.h"

/* Fills *out for an open descriptor. False with errno set. */
bool ria_file_facts(int fd, struct ria_file *out) RIA_MUST_USE;

/* The same for a path, whose last component is followed if it is a link: for directories that
 * cannot be opened. False with errno set. */
bool ria_file_facts_at(const char *path, struct ria_file *out) RIA_MUST_USE;

/* Whether an open file is of that kind (S_IFREG, S_IFDIR) and private (base/trust.h). */
bool ria_file_is_private(int fd, mode_t kind) RIA_MUST_USE;

/* Opens a new, empty file for reading and writing and returns its descriptor, which is closed at
 * execve(). What lies under the name is removed first; a link is never followed. The umask counts
 * for the mode. -1 with errno set. */
int ria_file_create_at(int directory, const char *name, mode_t mode) RIA_MUST_USE;

/* Makes `bytes` all that an open file holds; its offset stays. False with errno set if they do not
 * fit, and the file is then empty. */
bool ria_file_fill(int fd, const void *bytes, size_t len) RIA_MUST_USE;

/* Gives a whole new file its name, in place of what has it. False with errno set; the old file is
 * then untouched and the new one removed. */
bool ria_file_put_at(int directory, const char *fresh, const char *name) RIA_MUST_USE;

/* A file to replace. A reader sees the old content or the new content, never a part of either. */
struct ria_replacement {
    int directory;     /* open; both names are names in it */
    const char *name;  /* NULL: a trial, which tells whether the new file could be written */
    const char *fresh; /* the name of the new file until it is whole; for one writer at a time */
    mode_t mode;
    bool is_synced; /* it is on the disk, and its name too, before the call returns */
    bool has_owner; /* root gives the new file to `owner` and `group` before it writes into it */
    uid_t owner;
    gid_t group;
};

/* Makes the new file, fills it and puts it in its place. False as above. */
bool ria_file_replace(const struct ria_replacement *what, const void *bytes, size_t len)
    RIA_MUST_USE;

#endif
