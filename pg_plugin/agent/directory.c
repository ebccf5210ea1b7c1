/* SPDX-License-Identifier: MIT
 *
 * The private directory. Files are named relative to its descriptor, so that what was checked is
 * what is used. */
#include "agent/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char pid_file[] = "agent.pid";
static const char log_file[] = "agent.log";

/* Fails with "path: what: why", why being errno in words. */
static bool fail_by_errno(struct ria_error *err, const char *path, const char *what)
{
    char words[128];
    return ria_fail(
        err, RIA_E_SYSTEM, "%s: %s: %s", path, what, strerror_r(errno, words, sizeof(words)));
}

/* -- the directory itself ------------------------------------------------------------------- */

static bool check_directory(
    int fd, const char *path, const struct ria_world *world, struct ria_error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return fail_by_errno(err, path, "cannot be looked at");
    }
    uid_t uid = world->uid(world->self);
    if (status.st_uid != uid) {
        return ria_fail(
            err,
            RIA_E_SYSTEM,
            "%s: belongs to uid %u and not to you (uid %u); name another one with --directory",
            path,
            (unsigned)status.st_uid,
            (unsigned)uid);
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return ria_fail(
            err, RIA_E_SYSTEM, "%s: others can enter it; type: chmod 700 %s", path, path);
    }
    return true;
}

static bool make_directory(const char *path, struct ria_error *err)
{
    if (mkdir(path, S_IRWXU) != 0 && errno != EEXIST) {
        return fail_by_errno(err, path, "cannot be made");
    }
    return true;
}

static bool open_directory(
    const char *path,
    const struct ria_world *world,
    struct ria_directory *out,
    struct ria_error *err)
{
    struct ria_directory directory = {.fd = -1, .lock = -1};
    if (!make_directory(path, err)) {
        return false;
    }
    directory.fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory.fd < 0) {
        return fail_by_errno(err, path, "cannot be opened as a directory");
    }
    if (!check_directory(directory.fd, path, world, err)) {
        ria_directory_release(&directory);
        return false;
    }
    if (realpath(path, directory.path) == NULL) {
        (void)fail_by_errno(err, path, "cannot be resolved");
        ria_directory_release(&directory);
        return false;
    }
    *out = directory;
    return true;
}

/* XDG_RUNTIME_DIR stays set in a shell of another user (su), whose own it is not. */
static const char *own_runtime_directory(const struct ria_world *world)
{
    const char *path = ria_world_env(world, "XDG_RUNTIME_DIR");
    struct stat status;
    if (path == NULL || *path != '/' || stat(path, &status) != 0 || !S_ISDIR(status.st_mode) ||
        status.st_uid != world->uid(world->self)) {
        return NULL;
    }
    return path;
}

/* Appends each component to the base and makes it. */
static bool make_below(
    const char *base, const char *const components[], char path[PATH_MAX], struct ria_error *err)
{
    int len = snprintf(path, PATH_MAX, "%s", base);
    for (size_t i = 0; components[i] != NULL; i++) {
        int more = len < 0 || len >= PATH_MAX
                       ? -1
                       : snprintf(path + len, PATH_MAX - (size_t)len, "/%s", components[i]);
        if (more < 0 || len + more >= PATH_MAX) {
            return ria_fail(err, RIA_E_SYSTEM, "%.64s...: the path is too long", base);
        }
        len += more;
        if (!make_directory(path, err)) {
            return false;
        }
    }
    return true;
}

static bool make_usual(const struct ria_world *world, char path[PATH_MAX], struct ria_error *err)
{
    static const char *const in_runtime[] = {"rds-iam", "run", NULL};
    static const char *const in_home[] = {".cache", "rds-iam", "run", NULL};
    const char *runtime = own_runtime_directory(world);
    if (runtime != NULL) {
        return make_below(runtime, in_runtime, path, err);
    }
    const char *home = ria_world_env(world, "HOME");
    if (home == NULL) {
        return ria_fail(
            err,
            RIA_E_SYSTEM,
            "neither XDG_RUNTIME_DIR nor HOME names a directory; name one with --directory");
    }
    return make_below(home, in_home, path, err);
}

bool ria_directory_open(
    const char *wanted,
    const struct ria_world *world,
    struct ria_directory *out,
    struct ria_error *err)
{
    char usual[PATH_MAX];
    if (wanted == NULL) {
        if (!make_usual(world, usual, err)) {
            return false;
        }
        wanted = usual;
    }
    return open_directory(wanted, world, out, err);
}

bool ria_directory_is_gone(const struct ria_directory *directory)
{
    struct stat status;
    return fstat(directory->fd, &status) == 0 && status.st_nlink == 0;
}

void ria_directory_release(struct ria_directory *directory)
{
    if (directory->lock >= 0) {
        ria_directory_remove(directory, pid_file);
        (void)close(directory->lock);
    }
    if (directory->fd >= 0) {
        (void)close(directory->fd);
    }
    directory->fd = -1;
    directory->lock = -1;
}

/* -- passfiles ------------------------------------------------------------------------------ */

enum ria_outcome ria_directory_holds(
    const struct ria_directory *directory,
    const char *passfile,
    const char **name,
    struct ria_error *err)
{
    const char *slash = strrchr(passfile, '/');
    char parent[PATH_MAX];
    char real[PATH_MAX];
    if (*passfile != '/' || (size_t)(slash - passfile) >= sizeof(parent)) {
        return ria_absent(err, "the passfile is elsewhere");
    }
    size_t len = slash == passfile ? 1 : (size_t)(slash - passfile);
    memcpy(parent, passfile, len);
    parent[len] = '\0';
    if (realpath(parent, real) == NULL || strcmp(real, directory->path) != 0) {
        return ria_absent(err, "the passfile is elsewhere");
    }
    const char *last = slash + 1;
    if (*last == '\0' || *last == '.' || strcmp(last, pid_file) == 0 ||
        strcmp(last, log_file) == 0 || strlen(last) > NAME_MAX - sizeof(".new")) {
        return ria_failed(
            err,
            RIA_E_CONFIG,
            "the passfile cannot be called \"%.64s\"; write passfile=%s/NAME",
            last,
            directory->path);
    }
    *name = last;
    return RIA_FOUND;
}

static bool write_all(int fd, const struct ria_buf *text)
{
    size_t done = 0;
    while (done < text->len) {
        ssize_t len = write(fd, text->data + done, text->len - done);
        if (len < 0 && errno != EINTR) {
            return false;
        }
        done += len < 0 ? 0 : (size_t)len;
    }
    return true;
}

bool ria_directory_publish(
    const struct ria_directory *directory,
    const char *name,
    const struct ria_buf *text,
    struct ria_error *err)
{
    char path[PATH_MAX + NAME_MAX];
    char fresh[NAME_MAX + 1];
    (void)snprintf(path, sizeof(path), "%s/%s", directory->path, name);
    (void)snprintf(fresh, sizeof(fresh), ".%.*s.new", NAME_MAX - (int)sizeof(".new"), name);
    ria_directory_remove(directory, fresh); /* of an agent that was killed in here */
    int fd = openat(
        directory->fd,
        fresh,
        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
        S_IRUSR | S_IWUSR);
    if (fd < 0) {
        return fail_by_errno(err, path, "cannot be written");
    }
    bool ok = write_all(fd, text);
    ok = close(fd) == 0 && ok;
    if (!ok || renameat(directory->fd, fresh, directory->fd, name) != 0) {
        (void)fail_by_errno(err, path, "cannot be written");
        ria_directory_remove(directory, fresh);
        return false;
    }
    return true;
}

void ria_directory_remove(const struct ria_directory *directory, const char *name)
{
    (void)unlinkat(directory->fd, name, 0);
}

/* -- the agent's own files ------------------------------------------------------------------ */

static int open_own(const struct ria_directory *directory, const char *name, int flags)
{
    return openat(directory->fd, name, flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
}

/* The process id that agent.pid holds, for a sentence; 0 if it holds none. */
static long read_pid(int fd)
{
    char text[32] = {0};
    return pread(fd, text, sizeof(text) - 1, 0) > 0 ? strtol(text, NULL, 10) : 0;
}

bool ria_directory_lock(struct ria_directory *directory, struct ria_error *err)
{
    int fd = open_own(directory, pid_file, O_RDWR);
    if (fd < 0) {
        return fail_by_errno(err, directory->path, "agent.pid cannot be written");
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        long pid = read_pid(fd);
        (void)close(fd);
        return ria_fail(
            err,
            RIA_E_SYSTEM,
            "%s: another agent serves it, as process %ld; end it first, type: kill %ld",
            directory->path,
            pid,
            pid);
    }
    directory->lock = fd;
    ria_directory_write_pid(directory);
    return true;
}

void ria_directory_write_pid(const struct ria_directory *directory)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(directory->lock, 0) == 0) {
        (void)!pwrite(directory->lock, text, (size_t)len, 0);
    }
}

int ria_directory_open_log(const struct ria_directory *directory, struct ria_error *err)
{
    int fd = open_own(directory, log_file, O_WRONLY | O_APPEND);
    if (fd < 0) {
        (void)fail_by_errno(err, directory->path, "agent.log cannot be written");
    }
    return fd;
}
