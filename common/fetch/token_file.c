/* SPDX-License-Identifier: MIT
 *
 * Finds, reads, locks and replaces a token file of the AWS CLI. The name of the file is a digest of
 * the session's name. Replaces the file in this order: writes a temporary file in the same
 * directory, calls fsync(), renames the temporary file, and calls fsync() for the directory. Does
 * not overwrite a file in which another program has replaced the refresh token since the file was
 * read. */
#include "fetch/token_file.h"

#include "base/file.h"
#include "base/messages.h"
#include "base/text.h"
#include "base/trust.h"
#include "codec/digest.h"
#include "codec/percent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    FILE_MAX = 64 * 1024, /* bytes; four SSO tokens with their registration have 8 KB */
    /* Another program may be writing the file in place. Ten reads, 10 ms apart, take longer than
     * such a write. */
    READS_MAX = 10,
    READ_INTERVAL_NS = 10 * 1000 * 1000,
    /* How many bytes longer than the old token a renewed token may be. */
    ROOM_FOR_MORE = 16 * 1024,
};

/* -- the name ------------------------------------------------------------------------------- */

/* Computes the file's name without ".json": a digest in hexadecimal. */
static bool compute_name(
    const struct ria_plan *plan, char hex[2 * RIA_SHA256_LEN + 1], struct ria_error *err)
{
    const char *session = ria_plan_source_setting(plan)->value;
    uint8_t digest[RIA_SHA256_LEN];
    bool is_login = plan->source == RIA_SOURCE_LOGIN;
    if (!(is_login ? ria_sha256(session, strlen(session), digest, err)
                   : ria_sha1(session, strlen(session), digest, err))) {
        return false;
    }
    ria_hex_write(digest, is_login ? RIA_SHA256_LEN : RIA_SHA1_LEN, hex);
    return true;
}

bool ria_token_file_path(
    const struct ria_world *world,
    const struct ria_plan *plan,
    char path[RIA_PATH_MAX],
    struct ria_error *err)
{
    const char *directory = plan->source == RIA_SOURCE_LOGIN
                                ? plan->value[RIA_PLAN_LOGIN_DIRECTORY].value
                                : "~/.aws/sso/cache";
    char name[RIA_PATH_MAX];
    char hex[2 * RIA_SHA256_LEN + 1];
    if (!compute_name(plan, hex, err)) {
        return false;
    }
    return (ria_text_format(name, sizeof(name), "%s/%s.json", directory, hex) &&
            ria_setting_expand(world, name, path)) ||
           ria_fail_at(
               err,
               RIA_E_CREDENTIALS,
               ria_plan_source_setting(plan),
               "the token file is in %.200s, but HOME is not set or the path is too long; set "
               "HOME, or shorten the path",
               directory);
}

/* -- reading -------------------------------------------------------------------------------- */

static void wait_a_moment(void)
{
    const struct timespec moment = {.tv_nsec = READ_INTERVAL_NS};
    (void)nanosleep(&moment, NULL);
}

static bool token_file_fail_by_errno(struct ria_error *err, const char *path, const char *what)
{
    char words[128];
    return ria_fail(
        err,
        RIA_E_CREDENTIALS,
        "%.200s %s: %s",
        path,
        what,
        ria_text_of_errno(errno, words, sizeof(words)));
}

enum ria_outcome ria_token_file_read(
    const struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err)
{
    if (!ria_token_file_path(fetch->world, fetch->plan, file->path, err)) {
        return RIA_FAILED;
    }
    bool is_login = fetch->plan->source == RIA_SOURCE_LOGIN;
    const struct ria_trusted what = {
        file->path,
        is_login ? "AWS_LOGIN_CACHE_DIRECTORY=DIRECTORY"
                 : "HOME=DIRECTORY, with .aws/sso/cache in it"};
    for (unsigned i = 0; i < READS_MAX; i++) {
        RIA_AUTO(buf) text = {.max = FILE_MAX};
        enum ria_outcome outcome = ria_trust_read(fetch->world, &what, &text, &file->facts, err);
        ria_document_release(&file->document);
        if (outcome == RIA_FAILED && file->facts.mode == 0) {
            err->code = RIA_E_CREDENTIALS; /* the file was not opened, so a new login may help */
        }
        if (outcome != RIA_FOUND || ria_document_read(&text, &file->document)) {
            return outcome;
        }
        wait_a_moment();
    }
    return ria_failed(err, RIA_E_CREDENTIALS, "%.200s is not JSON", file->path);
}

/* Returns whether this process is root and must give a new file to the owner of the token file,
 * because the owner could not use a file of root. Root must never give away an existing file,
 * because that file could be a hard link to a file of root. */
static bool must_change_owner(const struct ria_token_file *file)
{
    return geteuid() == 0 && file->facts.owner != 0;
}

/* -- the directory -------------------------------------------------------------------------- */

/* Returns the last component of a path that contains a slash. */
static const char *name_in(const char *path)
{
    return strrchr(path, '/') + 1;
}

/* Opens the directory of the token file, to create files in it. If root uses a token file of
 * another user, the directory must belong to that user. Otherwise the other user could replace the
 * directory by a symbolic link, make root create a file in any directory, and receive that file.
 * Returns -1 with err filled on failure. */
static int token_file_open_directory(const struct ria_token_file *file, struct ria_error *err)
{
    char path[RIA_PATH_MAX];
    struct stat status;
    (void)snprintf(path, sizeof(path), "%.*s", (int)(name_in(file->path) - file->path), file->path);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        (void)token_file_fail_by_errno(err, path, "cannot be opened");
    } else if (geteuid() != 0 || file->facts.owner == 0 || status.st_uid == file->facts.owner) {
        return fd;
    } else {
        (void)ria_fail(
            err,
            RIA_E_CREDENTIALS,
            "%.200s belongs to uid %u, and its directory to uid %u; run: chown 0 %.200s",
            file->path,
            (unsigned)file->facts.owner,
            (unsigned)status.st_uid,
            file->path);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return -1;
}

/* -- the lock ------------------------------------------------------------------------------- */

/* Creates the lock file and changes its owner if needed, or opens the existing lock file. */
static int open_lock(const struct ria_token_file *file, int directory, const char *name)
{
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    int fd = openat(directory, name, flags | O_EXCL, S_IRUSR | S_IWUSR);
    if (fd < 0 && errno == EEXIST) {
        return openat(directory, name, flags, S_IRUSR | S_IWUSR);
    }
    if (fd >= 0 && must_change_owner(file)) {
        (void)!fchown(fd, file->facts.owner, file->facts.group);
    }
    return fd;
}

bool ria_token_file_lock(
    const struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err)
{
    char name[RIA_PATH_MAX + 8];
    (void)snprintf(name, sizeof(name), "%s.lock", file->path);
    if (file->lock < 0) {
        int directory = token_file_open_directory(file, err);
        if (directory < 0) {
            return false;
        }
        file->lock = open_lock(file, directory, name_in(name));
        if (file->lock < 0) {
            (void)token_file_fail_by_errno(err, name, "cannot be opened");
        }
        (void)close(directory);
    }
    if (file->lock < 0) {
        return false;
    }
    int error = ria_lock_within(file->lock, ria_deadline_left(fetch->world, fetch->deadline));
    if (error == EWOULDBLOCK) {
        return ria_fail(err, RIA_E_DEADLINE, "another process of yours is still renewing it");
    }
    errno = error;
    return error == 0 || token_file_fail_by_errno(err, name, "cannot be locked");
}

/* -- writing -------------------------------------------------------------------------------- */

/* Writes `bytes` to the temporary file PATH.new. If must_replace is true, renames the temporary
 * file to PATH; otherwise removes it. */
static bool write_file(
    const struct ria_token_file *file,
    const struct ria_buf *bytes,
    bool must_replace,
    struct ria_error *err)
{
    char fresh[RIA_PATH_MAX + 8];
    int directory = token_file_open_directory(file, err);
    if (directory < 0) {
        return false;
    }
    (void)snprintf(fresh, sizeof(fresh), "%s.new", file->path);
    const struct ria_replacement what = {
        .directory = directory,
        .name = must_replace ? name_in(file->path) : NULL,
        .fresh = name_in(fresh), /* a fixed name, because the writer holds the lock */
        .mode = S_IRUSR | S_IWUSR,
        .is_synced = true,
        .has_owner = must_change_owner(file),
        .owner = file->facts.owner,
        .group = file->facts.group,
    };
    bool ok = ria_file_replace(&what, bytes->data, bytes->len) ||
              token_file_fail_by_errno(err, fresh, "cannot be written");
    (void)close(directory);
    return ok;
}

bool ria_token_file_prepare(const struct ria_token_file *file, struct ria_error *err)
{
    RIA_AUTO(buf) bytes = {.max = FILE_MAX + ROOM_FOR_MORE};
    if (!ria_document_write(&file->document, &bytes)) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a token file");
    }
    char *room = ria_buf_reserve(&bytes, ROOM_FOR_MORE);
    if (room == NULL) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a token file");
    }
    memset(room, ' ', ROOM_FOR_MORE);
    ria_buf_grown(&bytes, ROOM_FOR_MORE);
    return write_file(file, &bytes, false, err);
}

bool ria_token_file_replace(
    const struct ria_fetch *fetch,
    struct ria_token_file *file,
    const char *member,
    const char *text,
    struct ria_error *err)
{
    RIA_AUTO(token_file) now = RIA_TOKEN_FILE_INIT;
    RIA_AUTO(buf) found = {.max = FILE_MAX};
    RIA_AUTO(buf) bytes = {.max = FILE_MAX + ROOM_FOR_MORE};
    /* If the file on disk has become unreadable, it is replaced. */
    bool is_read = ria_token_file_read(fetch, &now, err) == RIA_FOUND;
    bool is_same = is_read && ria_document_text(&now.document, NULL, member, &found) &&
                   strcmp(found.data, text) == 0;
    if (is_read && !is_same && !found.failed) {
        return true;
    }
    if (found.failed || !ria_document_write(&file->document, &bytes)) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a token file");
    }
    return write_file(file, &bytes, true, err);
}

void ria_token_file_release(struct ria_token_file *file)
{
    ria_document_release(&file->document);
    if (file->lock >= 0) {
        (void)close(file->lock);
    }
    file->lock = -1;
}
