/* SPDX-License-Identifier: MIT
 *
 * The private directory. Files are named relative to its descriptor, so that what was checked is
 * what is used. */
#include "agent/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char pid_file[] = "agent.pid";
static const char log_file[] = "agent.log";
static const char socket_file[] = "agent.socket";

/* Fails with "path: what: why", why being errno in words. */
static bool fail_by_errno(struct ria_error *err, const char *path, const char *what)
{
    char words[128];
    return ria_fail(
        err, RIA_E_SYSTEM, "%s: %s: %s", path, what, strerror_r(errno, words, sizeof(words)));
}

/* The same for a passfile, which a sentence names by its path. */
static void fail_for_file(
    const struct ria_directory *directory, const char *name, struct ria_error *err)
{
    int saved = errno;
    char path[PATH_MAX + NAME_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", directory->path, name);
    errno = saved;
    (void)fail_by_errno(err, path, "cannot be written");
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

/* The first line of a uid_map: where its range begins inside, where outside, how long it is. What
 * cannot be read maps all, and nobody is trusted for it. */
static bool maps_all(const char *map)
{
    char *rest = NULL;
    if (map == NULL) {
        return true;
    }
    (void)strtoul(map, &rest, 10);
    (void)strtoul(rest, &rest, 10);
    unsigned long length = strtoul(rest, NULL, 10);
    return length == 0 || length == UINT32_MAX;
}

/* In a user namespace the host's root and everybody else who is not mapped look alike. */
static bool is_trusted_owner(uid_t owner, const struct ria_world *world)
{
    enum {
        UNMAPPED = 65534 /* of the kernel; /proc/sys/kernel/overflowuid */
    };
    if (owner == 0 || owner == world->uid(world->self)) {
        return true;
    }
    RIA_AUTO(buf) map = {.max = 4096};
    struct ria_error ignored;
    return owner == UNMAPPED &&
           world->read_file(world->self, "/proc/self/uid_map", &map, NULL, &ignored) == RIA_FOUND &&
           !maps_all(ria_buf_text(&map));
}

/* Who can replace what is in a directory beside its owner, in words; NULL: nobody. A sticky bit
 * keeps them from it. */
static const char *open_to(const struct stat *status, const struct ria_world *world)
{
    if ((status->st_mode & S_ISVTX) != 0) {
        return NULL;
    }
    if ((status->st_mode & S_IWOTH) != 0) {
        return "everybody can write";
    }
    bool is_private = ria_is_private_group(status->st_gid, world->uid(world->self));
    return (status->st_mode & S_IWGRP) != 0 && !is_private ? "its group can write" : NULL;
}

/* Whoever can rename a directory above can put one of his own in the place of this one, and a
 * client would read his passfiles. */
static bool check_parents(const char *path, const struct ria_world *world, struct ria_error *err)
{
    char parent[PATH_MAX];
    (void)snprintf(parent, sizeof(parent), "%s", path);
    for (char *slash = strrchr(parent, '/'); slash != NULL; slash = strrchr(parent, '/')) {
        bool is_root = slash == parent;
        slash[is_root ? 1 : 0] = '\0';
        struct stat status;
        if (stat(parent, &status) != 0) {
            return fail_by_errno(err, parent, "cannot be looked at");
        }
        const char *others = is_trusted_owner(status.st_uid, world) ? open_to(&status, world)
                                                                    : "belongs to somebody else";
        if (others != NULL) {
            return ria_fail(
                err,
                RIA_E_SYSTEM,
                "%s: others can replace what is in %s, which %s; name another directory with "
                "--directory",
                path,
                parent,
                others);
        }
        if (is_root) {
            return true;
        }
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
    if (!check_parents(directory.path, world, err)) {
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

static bool is_own_name(const char *name)
{
    return strcmp(name, pid_file) == 0 || strcmp(name, log_file) == 0 ||
           strcmp(name, socket_file) == 0;
}

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
    if (*last == '\0' || *last == '.' || is_own_name(last) ||
        strlen(last) > NAME_MAX - sizeof("..new")) {
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

static void name_fresh(char fresh[NAME_MAX + 1], const char *name)
{
    (void)snprintf(fresh, NAME_MAX + 1, ".%.*s.new", NAME_MAX - (int)sizeof("..new"), name);
}

void ria_directory_drop(const struct ria_directory *directory, const char *name)
{
    char fresh[NAME_MAX + 1];
    name_fresh(fresh, name);
    ria_directory_remove(directory, fresh);
}

int ria_directory_create(
    const struct ria_directory *directory, const char *name, struct ria_error *err)
{
    char fresh[NAME_MAX + 1];
    ria_directory_drop(directory, name); /* of an agent that was killed in here */
    name_fresh(fresh, name);
    int fd = openat(
        directory->fd,
        fresh,
        O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
        S_IRUSR | S_IWUSR);
    if (fd < 0) {
        fail_for_file(directory, name, err);
    }
    return fd;
}

bool ria_directory_put(
    const struct ria_directory *directory, const char *name, struct ria_error *err)
{
    char fresh[NAME_MAX + 1];
    name_fresh(fresh, name);
    if (renameat(directory->fd, fresh, directory->fd, name) != 0) {
        fail_for_file(directory, name, err);
        ria_directory_drop(directory, name);
        return false;
    }
    return true;
}

bool ria_directory_fill(int fd, const struct ria_buf *text)
{
    size_t done = 0;
    while (done < text->len) {
        ssize_t len = pwrite(fd, text->data + done, text->len - done, (off_t)done);
        if (len < 0 && errno != EINTR) {
            int saved = errno;
            (void)!ftruncate(fd, 0);
            errno = saved;
            return false;
        }
        done += len < 0 ? 0 : (size_t)len;
    }
    return ftruncate(fd, (off_t)text->len) == 0;
}

bool ria_directory_publish(
    const struct ria_directory *directory,
    const char *name,
    const struct ria_buf *text,
    struct ria_error *err)
{
    int fd = ria_directory_create(directory, name, err);
    if (fd < 0) {
        return false;
    }
    bool ok = ria_directory_fill(fd, text);
    if (!ok) {
        fail_for_file(directory, name, err);
        ria_directory_drop(directory, name);
    }
    (void)close(fd);
    return ok && ria_directory_put(directory, name, err);
}

bool ria_directory_has(const struct ria_directory *directory, const char *name, int fd)
{
    struct stat named;
    struct stat opened;
    return fstatat(directory->fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(fd, &opened) == 0 && named.st_ino == opened.st_ino &&
           named.st_dev == opened.st_dev && opened.st_nlink == 1 &&
           (opened.st_mode & ALLPERMS) == (S_IRUSR | S_IWUSR);
}

void ria_directory_remove(const struct ria_directory *directory, const char *name)
{
    (void)unlinkat(directory->fd, name, 0);
}

/* -- the agent's own files ------------------------------------------------------------------ */

/* What lies there under this name may be anything: a link, somebody's pipe, a second name of
 * another file. */
static int open_own(const struct ria_directory *directory, const char *name, int flags)
{
    flags |= O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = openat(directory->fd, name, flags, S_IRUSR | S_IWUSR);
    struct stat status;
    if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1)) {
        (void)close(fd);
        errno = EEXIST;
        return -1;
    }
    return fd;
}

/* The process id that agent.pid holds, for a sentence; 0 if it holds none. */
static long read_pid(int fd)
{
    char text[32] = {0};
    return pread(fd, text, sizeof(text) - 1, 0) > 0 ? strtol(text, NULL, 10) : 0;
}

/* The worker of an agent that was killed holds the lock until it has removed the passfiles, which
 * takes it a moment. */
static bool lock_file(int fd, long *holder)
{
    enum {
        TRIES = 150
    };
    const struct timespec moment = {.tv_nsec = 20000000};
    for (int i = 0; i < TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            return true;
        }
        *holder = read_pid(fd);
        if (*holder > 0 && (kill((pid_t)*holder, 0) == 0 || errno != ESRCH)) {
            return false;
        }
        (void)nanosleep(&moment, NULL);
    }
    return false;
}

bool ria_directory_lock(struct ria_directory *directory, struct ria_error *err)
{
    int fd = open_own(directory, pid_file, O_RDWR);
    long pid = 0;
    if (fd < 0) {
        return fail_by_errno(err, directory->path, "agent.pid cannot be written");
    }
    if (!lock_file(fd, &pid)) {
        (void)close(fd);
        if (pid <= 0) {
            return ria_fail(
                err,
                RIA_E_SYSTEM,
                "%s: another agent serves it, and its agent.pid does not say which process; end it "
                "first",
                directory->path);
        }
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
