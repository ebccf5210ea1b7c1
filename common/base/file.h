/* SPDX-License-Identifier: MIT
 *
 * Functions that read the facts about a file (struct ria_file) for base/trust.h, and that replace a
 * file as a whole. os/process_world.c calls these functions, and so do rds-iam-fetch, rds-iam, the
 * agent, and the object that makes tokens for the PostgreSQL preload (pg_plugin/preload/module.c).
 * All functions may be called from any thread. They block only on the file system.
 */
#ifndef RIA_BASE_FILE_H
#define RIA_BASE_FILE_H

#include "base/world.h"

/* Fills *out with the facts about an open file. Returns false with errno set on failure. */
bool ria_file_facts(int fd, struct ria_file *out) RIA_MUST_USE;

/* Like ria_file_facts(), for a path. Follows a symbolic link. Also works for a file that this
 * process cannot open. Returns false with errno set on failure. */
bool ria_file_facts_at(const char *path, struct ria_file *out) RIA_MUST_USE;

/* Returns whether the facts of two reads describe the same, unchanged file. */
bool ria_file_same_facts(const struct ria_file *a, const struct ria_file *b);

/* Returns whether the path is on a file system for which the kernel caches the facts of files that
 * another machine or program can change: a network file system, FUSE, or a directory that a virtual
 * machine shares with its host. For up to a minute after such a change, stat() can still return the
 * old facts. If nothing exists at the path, the nearest existing directory above it decides.
 * Returns true if the type of the file system cannot be read, or if the path has 512 bytes or more.
 * Sends a request to the server of a network file system. May change errno. */
bool ria_file_is_remote(const char *path) RIA_MUST_USE;

/* Returns whether a file system has one of the types of ria_file_is_remote(). `type` is f_type of
 * statfs(2). */
bool ria_file_is_remote_type(uint32_t type);

/* Returns whether an open file has the given type (S_IFREG, S_IFDIR) and is private (base/trust.h).
 */
bool ria_file_is_private(int fd, mode_t kind) RIA_MUST_USE;

/* Creates a new, empty file and opens it for reading and writing. A file that already has
 * the name is removed first, and a symbolic link is never followed. The umask applies to the mode.
 * Returns a descriptor with FD_CLOEXEC, owned by the caller, or -1 with errno set. */
int ria_file_create_at(int directory, const char *name, mode_t mode) RIA_MUST_USE;

/* Replaces the contents of an open file with `bytes`. The file offset does not change. On failure,
 * returns false with errno set. If a write fails, the file is emptied. */
bool ria_file_fill(int fd, const void *bytes, size_t len) RIA_MUST_USE;

/* Writes `bytes` to an open file from the offset `at` on, and removes everything after them.
 * Otherwise like ria_file_fill(). */
bool ria_file_fill_from(int fd, off_t at, const void *bytes, size_t len) RIA_MUST_USE;

/* Renames the complete new file `fresh` to `name`, replacing any file of that name. On failure,
 * returns false with errno set, leaves the old file untouched and removes the new file. */
bool ria_file_put_at(int directory, const char *fresh, const char *name) RIA_MUST_USE;

/* A file to replace. A reader sees the old contents or the new contents, never a part of either. */
struct ria_replacement {
    int directory;     /* open descriptor of the directory that contains both names */
    const char *name;  /* NULL: the new file is written and removed again, as a test */
    const char *fresh; /* temporary name of the new file; only one writer may use it at a time */
    mode_t mode;
    bool is_synced; /* sync the file and its directory to the disk before returning */
    bool has_owner; /* before the contents are written, the new file gets `owner` and `group`, if
                       this process is allowed to set them */
    bool is_exact;  /* the new file gets exactly `owner`, `group` and `mode`, whatever the umask is.
                       It does not inherit the directory's default access control list. If that is
                       not possible, the file is not replaced. */
    uid_t owner;
    gid_t group;
    bool is_new; /* fail with EEXIST if the directory already contains a file called `name` */
    const struct ria_stamp *expected; /* if not NULL: fail with ESTALE if the file is no longer the
                                         version that has this stamp */
};

/* Creates the new file, writes `bytes` to it and renames it. On failure, returns false with errno
 * set, leaves the old file untouched and removes the new file. */
bool ria_file_replace(const struct ria_replacement *what, const void *bytes, size_t len)
    RIA_MUST_USE;

#endif
