/* SPDX-License-Identifier: MIT
 *
 * Decides whether a file is trusted. The same rule, with the same messages, applies to every file
 * from which settings, tokens or certificates are read. The functions check the facts in struct
 * ria_file. Only ria_trust_read() reads a file, through a world (base/world.h).
 *
 *   owner    Must be root or the effective user. A file of another user is "foreign". A foreign
 *            configuration of rds-iam and a foreign pg_service.conf are refused. Foreign AWS files
 *            are used with a warning, because users mount their homes into containers. But if a
 *            setting in a foreign AWS file names a command, a file, a server or a trusted
 *            certificate, the setting is refused when it is used (aws/profile.h).
 *   writers  Only these may be able to write the file: the owner, root, group 0 (the group of
 *            OpenShift's arbitrary users), and the private group of the user or of the owner (the
 *            group whose gid equals the uid; a umask of 002 is meant for such groups). A file that
 *            any other user or group can write is refused. The same rule applies to each user and
 *            group that an access control list names, after the mask of the list is applied. The
 *            members of a group are not looked up, because that may need the network.
 *   private  Secrets, and files that lead to secrets (the cache, its locks, passfiles), must be
 *            owned by the effective user, and the mode must give no rights to the group or others.
 *            A file that belongs to root is accepted only if the effective user is root.
 *
 * Access control lists of NFSv4 are not read, because they are not POSIX lists. For a file with
 * an NFSv4 list, the mode decides. If a file system has one mode for all files, chmod has no
 * effect, so the message tells the user to copy the file.
 *
 * All functions may be called from any thread.
 */
#ifndef RIA_BASE_TRUST_H
#define RIA_BASE_TRUST_H

#include "base/world.h"

/* How messages name a file. */
struct ria_trusted {
    const char *path;
    const char *named_by; /* the setting with which the user names a copy of the file:
                             "AWS_CONFIG_FILE=COPY" */
};

/* Fills file->acl by parsing the extended attribute system.posix_acl_access (posix_acl_xattr.h of
 * Linux: a version, then entries of 8 bytes, little-endian). If the bytes have another form, sets
 * acl.is_unreadable. `user` is the effective user; the owner and the group of *file must be set. */
void ria_acl_read(const void *bytes, size_t len, uid_t user, struct ria_file *file);

/* Returns whether the file belongs to neither root nor the user. */
bool ria_trust_is_foreign(const struct ria_file *file, uid_t user);

/* Returns whether the file or directory belongs to the user and gives no rights to other users. */
bool ria_trust_is_private(const struct ria_file *file, uid_t user);

/* Checks that no other user can write the file. Returns false with err filled if another user can:
 * "path: who can write it; what to do". */
bool ria_trust_check_writers(
    const struct ria_world *world,
    const struct ria_file *file,
    const struct ria_trusted *what,
    struct ria_error *err) RIA_MUST_USE;

/* Like ria_trust_check_writers(), and also returns false with err filled for a foreign file. */
bool ria_trust_check(
    const struct ria_world *world,
    const struct ria_file *file,
    const struct ria_trusted *what,
    struct ria_error *err) RIA_MUST_USE;

/* Describes in `out` which other users can write a file or directory, and the command that changes
 * this: "every user can write it; run: chmod o-w PATH". Returns false, with out "", if no other
 * user can. */
bool ria_trust_describe_writers(
    const struct ria_file *file, uid_t user, const char *path, char *out, size_t size);

/* Writes the remedy for a foreign file: "run: chown UID PATH, or copy it and ...". */
void ria_trust_own_remedy(uid_t user, const struct ria_trusted *what, char *out, size_t size);

/* Writes the warning about a foreign file: "PATH: belongs to uid N, neither to root nor to you; ",
 * followed by `consequence`. */
void ria_trust_warning(
    const struct ria_file *file, const char *path, const char *consequence, char *out, size_t size);

/* Reads a file through world->read_file(), and returns FAILED if other users can write it. *file is
 * filled; the caller decides whether a foreign file is acceptable. */
enum ria_outcome ria_trust_read(
    const struct ria_world *world,
    const struct ria_trusted *what,
    struct ria_buf *out,
    struct ria_file *file,
    struct ria_error *err) RIA_MUST_USE;

#endif
