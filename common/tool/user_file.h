/* SPDX-License-Identifier: MIT
 *
 * A configuration file that belongs to the user, and to which rds-iam setup appends lines:
 * ~/.my.cnf and ~/.pg_service.conf. The file is read, and later replaced as a whole by a file that
 * begins with the same bytes. Owner, group, mode and symbolic links stay as they are. A backup is
 * written first.
 *
 *     struct ria_user_file file;
 *     if (ria_user_file_open(path, "PGSERVICEFILE=COPY", world, &file, &err)) {
 *         ... search file.text ...
 *         ok = ria_user_file_append(&file, "[rds]\nhost=...\n", &err);
 *     }
 *     ria_user_file_release(&file);
 *
 * The directory is locked from the first call to the last, if its file system has locks. While the
 * lock is held, another rds-iam setup waits for it, for 10 seconds at most. If another program
 * changes the file meanwhile, the file is not replaced.
 */
#ifndef RIA_TOOL_USER_FILE_H
#define RIA_TOOL_USER_FILE_H

#include "rds_iam.h"

#include <limits.h>

enum {
    RIA_USER_FILE_MAX = 4 * 1024 * 1024, /* a longer file is refused */
};

struct ria_user_file {
    char path[PATH_MAX];   /* the file itself, after all symbolic links; absolute */
    const char *name;      /* the last component of the path; borrowed from `path` */
    int directory;         /* descriptor of its directory; -1: none */
    bool is_locked;        /* the directory is locked; false if its file system has no locks */
    bool is_present;       /* the file existed */
    struct ria_buf text;   /* its contents, which may contain passwords */
    struct ria_file facts; /* of the file, if it existed */
};

/* Locks an open directory, so that one rds-iam setup at a time writes there. Waits for 10
 * seconds at most. If the file system supports no locks, returns true with *is_locked false. If
 * another process still holds the lock, returns false with err filled. `path` names the directory
 * in the message. */
bool ria_directory_lock(
    int directory,
    const char *path,
    const struct ria_world *world,
    bool *is_locked,
    struct ria_error *err) RIA_MUST_USE;

/* Locks the directory of the file, and reads the file. The file may be missing. Returns false with
 * err filled in these cases:
 *
 *   - the path is too long, cannot be resolved, or is a symbolic link to a missing file;
 *   - the directory does not exist, cannot be opened, or is still locked after 10 seconds;
 *   - the file is missing, and root would create it in the directory of another user;
 *   - the file is not a regular file, has a second name (a hard link) or an access control list,
 *     belongs to another user, or another user can write it;
 *   - the file is too long, cannot be read, or is removed at this moment.
 *
 * `named_by` is a text for messages: the setting with which the user can name a copy of the file
 * instead. The caller releases *file in any case. */
bool ria_user_file_open(
    const char *path,
    const char *named_by,
    const struct ria_world *world,
    struct ria_user_file *file,
    struct ria_error *err) RIA_MUST_USE;

/* Appends `block`, which consists of complete lines, and an empty line before it if the file is not
 * empty. If the file exists, first writes the backup FILE.rds-iam-backup, or FILE.rds-iam-backup.N
 * if that name exists. Writes no backup if one of these files already has the contents, the mode
 * and the owner of the file. Then replaces the file, and prints the added lines and the path of the
 * backup on stdout. A new file has the mode 0600. On failure, returns false with err filled; the
 * file is unchanged, and no new backup is left.
 *
 * A run that is killed leaves no lock. It can leave the backup, which the next run uses if the file
 * has not changed. It can also leave a temporary file. The temporary file .FILE.rds-iam-new of a
 * run that had the lock is replaced by the next run that has the lock. The temporary file
 * .FILE.rds-iam-PID of a run without a lock stays. */
bool ria_user_file_append(struct ria_user_file *file, const char *block, struct ria_error *err)
    RIA_MUST_USE;

/* Reports that the file contains a section of this name with other contents. Fills err with
 * "path:line: [name] already exists and DIFFERENCE, so nothing was added; REMEDY", and returns
 * false. */
bool ria_user_file_differs(
    const struct ria_user_file *file,
    unsigned line,
    const char *name,
    const char *difference,
    const char *remedy,
    struct ria_error *err) RIA_MUST_USE;

/* Unlocks the directory, and wipes the contents. */
void ria_user_file_release(struct ria_user_file *file);

#endif
