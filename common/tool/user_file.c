/* SPDX-License-Identifier: MIT
 *
 * Reads and replaces a configuration file of the user. The new contents are written to a new file
 * in the same directory, synced, and renamed, so that a reader sees either the complete old file or
 * the complete new file. Rejects a file if a rename would lose something: the file has another
 * owner, a second name (a hard link) or an access control list, or it is not a regular file. Does
 * not replace a file that another program has changed since this code has read it. */
#include "tool/user_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum {
    LOCK_MS = 10000, /* another setup holds the lock for milliseconds only */
    LOCK_PAUSE_NS = 50 * 1000 * 1000,
    BACKUPS_MAX = 100,
    PIECE_SIZE = 4096,
};

static const char *error_text(void)
{
    return strerror(errno); /* NOLINT(concurrency-mt-unsafe) */
}

/* -- opening --------------------------------------------------------------------------------- */

bool ria_directory_lock(
    int directory,
    const char *path,
    const struct ria_world *world,
    bool *is_locked,
    struct ria_error *err)
{
    static const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
    struct ria_deadline deadline = ria_deadline_in(world, LOCK_MS);
    *is_locked = true;
    while (flock(directory, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            *is_locked = false; /* the file system supports no locks; this is not an error, because
                                   each file is replaced atomically */
            return true;
        }
        if (ria_deadline_left(world, deadline) == 0) {
            return ria_fail(
                err,
                RIA_E_SYSTEM,
                "%s: another setup of rds-iam is running; try again later",
                path);
        }
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

/* Writes the absolute path of a file that does not exist yet: the path of its directory, with all
 * symbolic links resolved, and the file's name. */
static bool resolve_new(const char *path, struct ria_user_file *file, struct ria_error *err)
{
    char directory[PATH_MAX];
    struct stat status;
    if (lstat(path, &status) == 0) {
        return ria_fail(
            err,
            RIA_E_CONFIG,
            "%s: is a symbolic link to a file that does not exist; create that file, or remove the "
            "link",
            path);
    }
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    bool fits =
        slash == NULL
            ? ria_text_copy(directory, sizeof(directory), ".")
            : ria_text_format(directory, sizeof(directory), "%.*s/", (int)(slash - path), path);
    char *whole = fits && *name != '\0' ? realpath(directory, NULL) : NULL;
    if (whole == NULL) {
        return ria_fail(
            err, RIA_E_CONFIG, "%s: its directory does not exist; create the directory", path);
    }
    fits = ria_text_format(
        file->path, sizeof(file->path), "%s/%s", strcmp(whole, "/") == 0 ? "" : whole, name);
    free(whole);
    return fits || ria_fail(err, RIA_E_CONFIG, "%s: the path is too long", path);
}

static bool user_file_resolve(const char *path, struct ria_user_file *file, struct ria_error *err)
{
    file->is_present = realpath(path, file->path) != NULL;
    if (!file->is_present && errno != ENOENT) {
        return ria_fail(err, RIA_E_CONFIG, "%s: cannot be found: %s", path, error_text());
    }
    if (!file->is_present && !resolve_new(path, file, err)) {
        return false;
    }
    file->name = strrchr(file->path, '/') + 1;
    return true;
}

static bool open_directory_of(
    struct ria_user_file *file, const struct ria_world *world, struct ria_error *err)
{
    char directory[PATH_MAX];
    (void)ria_text_copy(directory, sizeof(directory), file->path);
    directory[file->name - file->path] = '\0';
    file->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->directory < 0) {
        return ria_fail(err, RIA_E_SYSTEM, "%s: cannot be opened: %s", directory, error_text());
    }
    return ria_directory_lock(file->directory, directory, world, &file->is_locked, err);
}

/* Checks that nothing is lost if a rename replaces the file. */
static bool check_replaceable(
    const struct ria_user_file *file, const struct ria_world *world, struct ria_error *err)
{
    struct stat status;
    uid_t user = world->uid(world->self);
    if (fstatat(file->directory, file->name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return ria_fail(err, RIA_E_CONFIG, "%s: cannot be examined: %s", file->path, error_text());
    }
    if (!S_ISREG(status.st_mode)) {
        return ria_fail(
            err, RIA_E_CONFIG, "%s: is not a regular file; remove it, or name a file", file->path);
    }
    if (status.st_uid != user) {
        return ria_fail(
            err,
            RIA_E_CONFIG,
            "%s: belongs to uid %u and not to you (uid %u); run this command as its owner",
            file->path,
            (unsigned)status.st_uid,
            (unsigned)user);
    }
    if (getxattr(file->path, "system.posix_acl_access", NULL, 0) > 0) {
        return ria_fail(
            err,
            RIA_E_CONFIG,
            "%s: has an access control list, which the new file would not have; add the lines "
            "yourself",
            file->path);
    }
    if (status.st_nlink > 1) {
        return ria_fail(
            err,
            RIA_E_CONFIG,
            "%s: has %u names (hard links), and only this one would get the new lines; add the "
            "lines yourself",
            file->path,
            (unsigned)status.st_nlink);
    }
    return true;
}

/* Checks that the new file will belong to the owner of its directory. Without this check, a command
 * under sudo could create a file of root in the user's home directory. */
static bool check_new(
    const struct ria_user_file *file, const struct ria_world *world, struct ria_error *err)
{
    struct stat status;
    if (world->uid(world->self) != 0 || fstat(file->directory, &status) != 0 ||
        status.st_uid == 0) {
        return true;
    }
    return ria_fail(
        err,
        RIA_E_CONFIG,
        "%s: the new file would belong to root, but its directory belongs to uid %u; run this "
        "command as that user",
        file->path,
        (unsigned)status.st_uid);
}

bool ria_user_file_open(
    const char *path,
    const char *named_by,
    const struct ria_world *world,
    struct ria_user_file *file,
    struct ria_error *err)
{
    *file = (struct ria_user_file){.directory = -1, .text = {.max = RIA_USER_FILE_MAX}};
    if (!user_file_resolve(path, file, err) || !open_directory_of(file, world, err)) {
        return false;
    }
    if (!file->is_present) {
        return check_new(file, world, err);
    }
    const struct ria_trusted what = {.path = file->path, .named_by = named_by};
    enum ria_outcome outcome = RIA_FAILED;
    if (check_replaceable(file, world, err)) {
        outcome = world->read_file(world->self, file->path, &file->text, &file->facts, err);
    }
    if (outcome == RIA_ABSENT) {
        return ria_fail(
            err, RIA_E_SYSTEM, "%s: another program has removed it; try again", file->path);
    }
    return outcome == RIA_FOUND && ria_trust_check_writers(world, &file->facts, &what, err);
}

/* -- appending ------------------------------------------------------------------------------- */

/* Describes a new file in the directory of the old file, with the mode and the owner of the old
 * file. If there is no old file, the new file has the mode 0600. */
static struct ria_replacement user_file_replacement(
    const struct ria_user_file *file, const char *name, const char *fresh)
{
    return (struct ria_replacement){
        .directory = file->directory,
        .name = name,
        .fresh = fresh,
        .mode = file->is_present ? file->facts.mode & 07777 : S_IRUSR | S_IWUSR,
        .is_synced = true,
        .is_exact = file->is_present,
        .owner = file->facts.owner,
        .group = file->facts.group,
    };
}

/* Returns whether an open file has the contents, the mode and the owner of the old file. */
static bool is_equal_to_old_file(const struct ria_user_file *file, int fd)
{
    char piece[PIECE_SIZE];
    struct stat status;
    size_t done = 0;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1 ||
        (size_t)status.st_size != file->text.len || status.st_uid != file->facts.owner ||
        status.st_gid != file->facts.group ||
        (status.st_mode & 07777) != (file->facts.mode & 07777)) {
        return false;
    }
    bool is_equal = true;
    while (is_equal && done < file->text.len) {
        ssize_t more = pread(fd, piece, sizeof(piece), (off_t)done);
        is_equal = more > 0 && (size_t)more <= file->text.len - done &&
                   memcmp(piece, file->text.data + done, (size_t)more) == 0;
        done += is_equal ? (size_t)more : 0;
    }
    explicit_bzero(piece, sizeof(piece)); /* the file may contain a password */
    return is_equal;
}

/* Returns whether the directory already contains a backup of the old file under this name. A run
 * that was killed before it replaced the file leaves one. */
static bool has_backup(const struct ria_user_file *file, const char *name)
{
    int fd =
        openat(file->directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool is_same = fd >= 0 && is_equal_to_old_file(file, fd);
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_same;
}

/* Writes the backup under the first name that no file has, and writes this name to `out`. If an
 * earlier name belongs to a backup with the same contents, writes that name to `out` instead,
 * writes no backup, and sets *is_written to false. */
static bool write_backup(
    const struct ria_user_file *file,
    const char *fresh,
    char out[NAME_MAX + 1],
    bool *is_written,
    struct ria_error *err)
{
    struct ria_replacement what = user_file_replacement(file, out, fresh);
    what.is_new = true;
    errno = EEXIST;
    for (unsigned number = 0; number < BACKUPS_MAX && errno == EEXIST; number++) {
        bool fits =
            number == 0
                ? ria_text_format(out, NAME_MAX + 1, "%s.rds-iam-backup", file->name)
                : ria_text_format(out, NAME_MAX + 1, "%s.rds-iam-backup.%u", file->name, number);
        if (!fits) {
            errno = ENAMETOOLONG;
            break;
        }
        *is_written = !has_backup(file, out);
        if (!*is_written || ria_file_replace(&what, file->text.data, file->text.len)) {
            return true;
        }
    }
    return ria_fail(
        err,
        RIA_E_SYSTEM,
        "%s: cannot be changed, because no backup can be written beside it: %s",
        file->path,
        error_text());
}

static bool has_final_newline(const struct ria_buf *text)
{
    return text->len == 0 || text->data[text->len - 1] == '\n';
}

static bool put_contents(
    const struct ria_user_file *file,
    const char *fresh,
    const struct ria_buf *added,
    struct ria_error *err)
{
    RIA_AUTO(buf) whole = {.max = (size_t)2 * RIA_USER_FILE_MAX};
    struct ria_replacement what = user_file_replacement(file, file->name, fresh);
    what.is_new = !file->is_present;
    what.expected = file->is_present ? &file->facts.stamp : NULL;
    ria_buf_add(&whole, file->text.data, file->text.len);
    ria_buf_add_text(&whole, has_final_newline(&file->text) ? "" : "\n");
    ria_buf_add(&whole, added->data, added->len);
    if (whole.failed || added->failed) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_REFUSAL_MEMORY);
    }
    if (ria_file_replace(&what, whole.data, whole.len)) {
        return true;
    }
    bool has_changed = errno == ESTALE || (what.is_new && errno == EEXIST);
    return has_changed
               ? ria_fail(
                     err,
                     RIA_E_SYSTEM,
                     "%s: another program has just changed it, so nothing was added; try again",
                     file->path)
               : ria_fail(
                     err,
                     RIA_E_SYSTEM,
                     "%s: cannot be replaced and is unchanged: %s; add the lines yourself",
                     file->path,
                     error_text());
}

static size_t count_lines(const struct ria_buf *text)
{
    size_t count = has_final_newline(text) ? 0 : 1;
    for (size_t i = 0; i < text->len; i++) {
        count += text->data[i] == '\n' ? 1 : 0;
    }
    return count;
}

/* Prints the added lines as a unified diff without context. Context lines would come from the
 * user's file and could contain a password. */
static void print_difference(
    const struct ria_user_file *file, const struct ria_buf *added, const char *backup)
{
    size_t before = count_lines(&file->text);
    (void)printf(
        "--- %s\n+++ %s\n@@ -%zu,0 +%zu,%zu @@\n",
        file->is_present ? file->path : "/dev/null",
        file->path,
        before,
        before + 1,
        count_lines(added));
    for (const char *line = added->data; *line != '\0'; line += strcspn(line, "\n") + 1) {
        (void)printf("+%.*s\n", (int)strcspn(line, "\n"), line);
    }
    if (!has_final_newline(&file->text)) {
        (void)printf("The line before these lines had no newline at its end and has one now.\n");
    }
    if (*backup != '\0') {
        size_t length = (size_t)(file->name - file->path);
        (void)printf("The old file is %.*s%s\n", (int)length, file->path, backup);
    }
}

/* Writes the name of the temporary file. While the directory is locked, no other run uses the fixed
 * name, so a file of this name was left by a run that was killed, and is replaced. Without a lock,
 * each process uses a name of its own. */
static bool name_temporary(const struct ria_user_file *file, char out[NAME_MAX + 1])
{
    return file->is_locked
               ? ria_text_format(out, NAME_MAX + 1, ".%s.rds-iam-new", file->name)
               : ria_text_format(out, NAME_MAX + 1, ".%s.rds-iam-%d", file->name, (int)getpid());
}

bool ria_user_file_append(struct ria_user_file *file, const char *block, struct ria_error *err)
{
    char fresh[NAME_MAX + 1];
    char backup[NAME_MAX + 1] = "";
    bool has_new_backup = false;
    RIA_AUTO(buf) added = {.max = RIA_USER_FILE_MAX};
    if (!name_temporary(file, fresh)) {
        return ria_fail(err, RIA_E_CONFIG, "%s: the file name is too long", file->path);
    }
    ria_buf_add_text(&added, file->text.len > 0 ? "\n" : "");
    ria_buf_add_text(&added, block);
    (void)signal(SIGXFSZ, SIG_IGN); /* a write() beyond the limit of file sizes then fails and does
                                       not end the process */
    if (file->is_present && !write_backup(file, fresh, backup, &has_new_backup, err)) {
        return false;
    }
    if (!put_contents(file, fresh, &added, err)) {
        if (has_new_backup) {
            (void)unlinkat(file->directory, backup, 0);
        }
        return false;
    }
    print_difference(file, &added, backup);
    return true;
}

bool ria_user_file_differs(
    const struct ria_user_file *file,
    unsigned line,
    const char *name,
    const char *difference,
    const char *remedy,
    struct ria_error *err)
{
    return ria_fail(
        err,
        RIA_E_CONFIG,
        "%s:%u: [%s] already exists and %s, so nothing was added; %s",
        file->path,
        line,
        name,
        difference,
        remedy);
}

void ria_user_file_release(struct ria_user_file *file)
{
    ria_buf_release(&file->text);
    if (file->directory >= 0) {
        (void)close(file->directory);
    }
    file->directory = -1;
}
