/* SPDX-License-Identifier: MIT
 *
 * Whose files count: the one rule for every file that settings, tokens or certificates are read
 * from, and its messages. It judges facts (struct ria_file) and reads nothing but through a world.
 *
 *   owner    root or the effective user. A file of another user is "foreign". rds-iam's own
 *            configuration and pg_service.conf are then refused. AWS's files are used with a
 *            warning, because homes are mounted into containers; but what they say is run, read,
 *            asked or believed is refused where it would be used (aws/profile.h).
 *   writers  nobody but the owner, group 0 (the group of OpenShift's arbitrary users), the private
 *            group of the user or of the owner (the group that has the same number, which umask 002
 *            relies on), and root. Any other file is refused. An access control list is judged by
 *            the same rule: its mask applied, each user and group that it names. Who is a member of
 *            a group is not looked up, because the answer may take a network.
 *
 *   private  what is a secret or leads to one (the cache, its locks, passfiles): the effective
 *            user's own, and closed to everybody else. root's is not the user's.
 *
 * Lists that are not POSIX lists (NFSv4) are not read; there the mode decides. Chmod does not help
 * on file systems that have one mode for all files, so there a message says to copy the file.
 * All functions are for any thread.
 */
#ifndef RIA_BASE_TRUST_H
#define RIA_BASE_TRUST_H

#include "base/world.h"

/* A file as messages speak of it. */
struct ria_trusted {
    const char *path;
    const char *named_by; /* how the user names a copy of it: "AWS_CONFIG_FILE=COPY" */
};

/* Fills file->acl from the bytes of the extended attribute system.posix_acl_access
 * (posix_acl_xattr.h of Linux: a version, then entries of 8 bytes, little-endian). Bytes that are
 * not such a list make it unreadable. `user` is the effective user; owner and group are set. */
void ria_acl_read(const void *bytes, size_t len, uid_t user, struct ria_file *file);

/* Whether the file belongs to neither root nor the user. */
bool ria_trust_is_foreign(const struct ria_file *file, uid_t user);

/* Whether the file or directory is the user's own and closed to everybody else. */
bool ria_trust_is_private(const struct ria_file *file, uid_t user);

/* Refuses a file that others can write: false with err, "path: who can write it; what to do". */
bool ria_trust_check_writers(
    const struct ria_world *world,
    const struct ria_file *file,
    const struct ria_trusted *what,
    struct ria_error *err) RIA_MUST_USE;

/* Refuses a foreign file, too. */
bool ria_trust_check(
    const struct ria_world *world,
    const struct ria_file *file,
    const struct ria_trusted *what,
    struct ria_error *err) RIA_MUST_USE;

/* Writes who else can write a file or directory, and the command that changes it: "everybody can
 * write it; run: chmod o-w PATH". False, with out "", if nobody else can. */
bool ria_trust_describe_writers(
    const struct ria_file *file, uid_t user, const char *path, char *out, size_t size);

/* Writes what to do about a foreign file: "run: chown UID PATH, or copy it and ...". */
void ria_trust_own_remedy(uid_t user, const struct ria_trusted *what, char *out, size_t size);

/* Writes the warning about a foreign file: "PATH: belongs to uid N, neither to root nor to you; "
 * and `consequence`. */
void ria_trust_warning(
    const struct ria_file *file, const char *path, const char *consequence, char *out, size_t size);

/* Reads a file as world->read_file() does and refuses one that others can write. *file is filled;
 * whether it is foreign is the caller's question. */
enum ria_outcome ria_trust_read(
    const struct ria_world *world,
    const struct ria_trusted *what,
    struct ria_buf *out,
    struct ria_file *file,
    struct ria_error *err) RIA_MUST_USE;

#endif
