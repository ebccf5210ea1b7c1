/* SPDX-License-Identifier: MIT
 *
 * Files relative to the directory that was checked. */
#include "fetch/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* A role's session lives 12 hours at most. */
enum {
    KEPT_SECONDS = 13 * 3600,
    ALARM_AGAIN_US = 20 * 1000,
};

/* Makes the directory and the two above it: .../rds-iam/cache, and ~/.cache where it is missing. */
static void make_directories(const char *directory)
{
    char path[PATH_MAX];
    size_t len = strlen(directory);
    if (len >= sizeof(path)) {
        return;
    }
    memcpy(path, directory, len + 1);
    size_t ends[3] = {len, 0, 0};
    for (size_t i = 1; i < 3; i++) {
        const char *slash = memrchr(path, '/', ends[i - 1]);
        ends[i] = slash == NULL ? 0 : (size_t)(slash - path);
    }
    for (size_t i = 3; i > 0; i--) {
        if (ends[i - 1] > 0) {
            path[ends[i - 1]] = '\0';
            (void)mkdir(path, S_IRWXU);
            memcpy(path, directory, len + 1);
        }
    }
}

bool ria_store_open(struct ria_store *store, const char *directory, const char *name)
{
    struct stat status;
    *store = (struct ria_store){.directory = -1, .lock = -1, .name = name};
    if (directory == NULL) {
        return false;
    }
    make_directories(directory);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &status) != 0 || status.st_uid != geteuid() ||
                    (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)) {
        (void)close(fd);
        fd = -1;
    }
    store->directory = fd;
    return fd >= 0;
}

/* Ends flock() with EINTR by its arrival. */
static void take_alarm(int number)
{
    (void)number;
}

/* Repeated, because the first one may come before flock() has gone to sleep. 0: none any more. */
static void set_alarm(int64_t first)
{
    const struct itimerval when = {
        .it_value = {.tv_sec = first / 1000, .tv_usec = (first % 1000) * 1000},
        .it_interval = {.tv_usec = first == 0 ? 0 : ALARM_AGAIN_US},
    };
    (void)setitimer(ITIMER_REAL, &when, NULL);
}

/* Hundreds may wait for one: asleep they leave the machine to it. errno if there is no lock. */
static int lock_within(int fd, int64_t timeout)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return 0;
    }
    if (errno != EWOULDBLOCK || timeout <= 0) {
        return errno;
    }
    const struct sigaction wake = {.sa_handler = take_alarm};
    (void)sigaction(SIGALRM, &wake, NULL);
    set_alarm(timeout);
    int error = flock(fd, LOCK_EX) == 0 ? 0 : errno;
    set_alarm(0);
    return error == EINTR ? EWOULDBLOCK : error;
}

bool ria_store_lock(struct ria_store *store, int64_t timeout)
{
    char name[NAME_MAX];
    (void)snprintf(name, sizeof(name), "%s.lock", store->name);
    store->lock = openat(
        store->directory, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    int error = store->lock < 0 ? errno : lock_within(store->lock, timeout);
    store->is_held = error == 0;
    /* Where there are no locks, everybody fetches and nobody writes. */
    return error != EWOULDBLOCK;
}

/* Removes what nobody can use any more: a key holds tokens that are rotated, so old entries are not
 * written over. */
static void remove_old(int directory)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry = NULL;
    time_t oldest = time(NULL) - KEPT_SECONDS;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        struct stat status;
        if (entry->d_name[0] != '.' &&
            fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            status.st_mtim.tv_sec < oldest) {
            (void)unlinkat(directory, entry->d_name, 0);
        }
    }
    if (entries != NULL) {
        (void)closedir(entries);
    } else if (fd >= 0) {
        (void)close(fd);
    }
}

static bool write_all(int fd, const struct ria_buf *record)
{
    size_t done = 0;
    while (done < record->len) {
        ssize_t len = write(fd, record->data + done, record->len - done);
        if (len < 0 && errno != EINTR) {
            return false;
        }
        done += len < 0 ? 0 : (size_t)len;
    }
    return true;
}

/* The name of the new file is the same each time: its writer holds the lock. */
void ria_store_write(const struct ria_store *store, const struct ria_buf *record)
{
    char fresh[NAME_MAX];
    if (store->directory < 0 || !store->is_held) {
        return;
    }
    remove_old(store->directory);
    (void)snprintf(fresh, sizeof(fresh), "%s.new", store->name);
    (void)unlinkat(store->directory, fresh, 0);
    int fd = openat(
        store->directory,
        fresh,
        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
        S_IRUSR | S_IWUSR);
    if (fd < 0) {
        return;
    }
    bool ok = write_all(fd, record);
    ok = close(fd) == 0 && ok;
    if (!ok || renameat(store->directory, fresh, store->directory, store->name) != 0) {
        (void)unlinkat(store->directory, fresh, 0);
    }
}

void ria_store_close(struct ria_store *store)
{
    if (store->lock >= 0) {
        (void)close(store->lock);
    }
    if (store->directory >= 0) {
        (void)close(store->directory);
    }
    store->lock = -1;
    store->directory = -1;
}
