/* SPDX-License-Identifier: MIT
 *
 * Works on the files of the agent's directory: passfiles, agent.pid and agent.log. Opens files
 * relative to the directory's descriptor, so that every file is in the directory that was checked.
 * Refuses to open agent.pid or agent.log if it is a symbolic link or a pipe, or has several hard
 * links. */
#include "agent/directory.h"

#include "passfile/agent_directory.h"

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

bool ria_directory_fail(const char *path, const char *name, const char *what, struct ria_error *err)
{
    char words[128];
    const char *why = ria_text_of_errno(errno, words, sizeof(words));
    bool is_named = name != NULL;
    return ria_fail(
        err,
        RIA_E_SYSTEM,
        "%s%s%s: %s: %s",
        path,
        is_named ? "/" : "",
        is_named ? name : "",
        what,
        why);
}

bool ria_directory_fail_unserved(
    const char *path, bool is_default, const char *what, struct ria_error *err)
{
    if (!is_default) {
        return ria_fail(
            err, RIA_E_SYSTEM, "%s: %s; run: rds-iam-agent --directory %s", path, what, path);
    }
    /* The user's systemd unit serves only the directory in $XDG_RUNTIME_DIR. */
    bool is_runtime = strstr(path, "/.cache/" RIA_AGENT_DIRECTORY) == NULL;
    return ria_fail(
        err,
        RIA_E_SYSTEM,
        "%s: %s; run: %s",
        path,
        what,
        is_runtime ? RIA_AGENT_START : "rds-iam-agent");
}

static bool fail_to_write(
    const struct ria_directory *directory, const char *name, struct ria_error *err)
{
    return ria_directory_fail(directory->path, name, "cannot be written", err);
}

bool ria_directory_is_gone(const struct ria_directory *directory)
{
    struct stat own;
    struct stat named;
    if (fstat(directory->fd, &own) != 0) {
        return false;
    }
    if (stat(directory->path, &named) != 0) {
        return own.st_nlink == 0 || errno == ENOENT || errno == ENOTDIR;
    }
    return named.st_ino != own.st_ino || named.st_dev != own.st_dev;
}

void ria_directory_release(struct ria_directory *directory)
{
    if (directory->lock >= 0) {
        ria_directory_remove(directory, RIA_AGENT_PID);
        (void)close(directory->lock);
    }
    if (directory->fd >= 0) {
        (void)close(directory->fd);
    }
    directory->fd = -1;
    directory->lock = -1;
}

/* -- passfiles ------------------------------------------------------------------------------ */

bool ria_directory_may_hold(
    const struct ria_directory *directory, const char *name, struct ria_error *err)
{
    bool is_good =
        !ria_agent_owns_name(name) && *name != '.' && strlen(name) <= NAME_MAX - sizeof("..new");
    return is_good || ria_fail(
                          err,
                          RIA_E_CONFIG,
                          "\"%.64s\" is not a valid passfile name; write passfile=%s/NAME",
                          name,
                          directory->path);
}

struct ria_passfile_directory ria_directory_place(const struct ria_directory *directory)
{
    struct stat status = {0};
    (void)fstat(directory->fd, &status);
    return (struct ria_passfile_directory){status.st_dev, status.st_ino};
}

/* Fills `fresh` with the temporary name of a passfile. */
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
    name_fresh(fresh, name);
    /* Replaces a file of this name, which an agent that was killed may have left behind. */
    int fd = ria_file_create_at(directory->fd, fresh, S_IRUSR | S_IWUSR);
    if (fd < 0) {
        (void)fail_to_write(directory, name, err);
    }
    return fd;
}

bool ria_directory_put(
    const struct ria_directory *directory, const char *name, struct ria_error *err)
{
    char fresh[NAME_MAX + 1];
    name_fresh(fresh, name);
    bool ok = ria_file_put_at(directory->fd, fresh, name);
    if (!ok) {
        (void)fail_to_write(directory, name, err);
    }
    return ok;
}

bool ria_directory_publish(
    const struct ria_directory *directory,
    const char *name,
    const struct ria_buf *text,
    struct ria_error *err)
{
    char fresh[NAME_MAX + 1];
    name_fresh(fresh, name);
    const struct ria_replacement what = {
        .directory = directory->fd,
        .name = name,
        .fresh = fresh,
        .mode = S_IRUSR | S_IWUSR,
    };
    bool ok = ria_file_replace(&what, text->data, text->len);
    if (!ok) {
        (void)fail_to_write(directory, name, err);
    }
    return ok;
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

/* Returns why the agent does not write to a file of that kind, and what to do; NULL if the agent
 * may write to it. */
static const char *find_flaw(const struct stat *status)
{
    if (S_ISLNK(status->st_mode)) {
        return "it is a symbolic link; remove it";
    }
    if (!S_ISREG(status->st_mode)) {
        return "it is not a regular file; remove it";
    }
    if (status->st_nlink > 1) {
        return "it has several hard links; remove it";
    }
    return status->st_nlink == 1 ? NULL : "another process has just removed it; try again";
}

/* Opens one of the agent's own files and creates it if it does not exist. Rejects a symbolic link,
 * a pipe, and a file with several hard links. If a program of the user has put one there, the agent
 * would otherwise write into another file. Returns the descriptor, or -1 with err filled. */
static int directory_open_own(
    const struct ria_directory *directory, const char *name, int flags, struct ria_error *err)
{
    flags |= O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = openat(directory->fd, name, flags, S_IRUSR | S_IWUSR);
    int error = errno;
    struct stat status;
    bool is_known = fd >= 0 ? fstat(fd, &status) == 0
                            : fstatat(directory->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    const char *flaw = is_known ? find_flaw(&status) : NULL;
    if (flaw != NULL) {
        (void)ria_fail(
            err, RIA_E_SYSTEM, "%s/%s: cannot be written: %s", directory->path, name, flaw);
    } else if (fd < 0 || !is_known) {
        errno = fd < 0 ? error : errno;
        (void)fail_to_write(directory, name, err);
    } else {
        return fd;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return -1;
}

/* Returns the process id in agent.pid, or 0 if the file contains none. */
static long read_pid(int fd)
{
    char text[32] = {0};
    return pread(fd, text, sizeof(text) - 1, 0) > 0 ? strtol(text, NULL, 10) : 0;
}

static bool is_alive(long pid)
{
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno != ESRCH);
}

/* Locks the file. If another process has the lock, looks at the process that the file names. If
 * that process is alive, fails at once, with its id in *holder. If it is dead, or the file names no
 * process, waits for up to 3 seconds: after an agent was killed, its worker retains the lock for a
 * moment, until it has removed the passfiles. If the lock is not free after 3 seconds, fails;
 * *holder is then the dead process's id, or 0 if the file contains no id. Returns false with errno
 * set on failure, to EWOULDBLOCK if another process has the lock. */
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
        if (errno == EINTR) {
            continue;
        }
        if (errno != EWOULDBLOCK) {
            return false;
        }
        *holder = read_pid(fd);
        if (is_alive(*holder)) {
            break;
        }
        (void)nanosleep(&moment, NULL);
    }
    errno = EWOULDBLOCK;
    return false;
}

/* Fills err after lock_file() has failed with errno and `holder`. Some file systems have no locks.
 * The agent does not start there: a second agent could then serve the same directory, and the one
 * that ends first would remove the other one's passfiles. Returns false. */
static bool fail_to_lock(const struct ria_directory *directory, long holder, struct ria_error *err)
{
    const char *path = directory->path;
    char words[128];
    if (errno != EWOULDBLOCK) {
        return ria_fail(
            err,
            RIA_E_SYSTEM,
            "%s/" RIA_AGENT_PID ": cannot be locked: %s; name a directory on another file system "
            "with --directory",
            path,
            ria_text_of_errno(errno, words, sizeof(words)));
    }
    if (holder <= 0) {
        return ria_fail(
            err,
            RIA_E_SYSTEM,
            "%s: another agent serves this directory, but the file " RIA_AGENT_PID
            " does not contain its process id; stop that agent first",
            path);
    }
    if (!is_alive(holder)) {
        return ria_fail(
            err,
            RIA_E_SYSTEM,
            "%s: process %ld, the agent of this directory, has ended, but its worker has not; find "
            "the worker's process id with: pgrep -a rds-iam-agent; to stop it, run: kill -KILL "
            "followed by this id",
            path,
            holder);
    }
    return ria_fail(
        err,
        RIA_E_SYSTEM,
        "%s: another agent serves this directory, as process %ld; to stop it, run: kill %ld",
        path,
        holder,
        holder);
}

bool ria_directory_lock(struct ria_directory *directory, struct ria_error *err)
{
    int fd = directory_open_own(directory, RIA_AGENT_PID, O_RDWR, err);
    long holder = 0;
    if (fd < 0) {
        return false;
    }
    if (!lock_file(fd, &holder)) {
        (void)fail_to_lock(directory, holder, err);
        (void)close(fd);
        return false;
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
    return directory_open_own(directory, RIA_AGENT_LOG, O_WRONLY | O_APPEND, err);
}
