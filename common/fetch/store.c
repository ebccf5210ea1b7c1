/* SPDX-License-Identifier: MIT
 *
 * Writes cache entries. Opens the cache directory, checks its owner and mode, and addresses all
 * files relative to the directory's descriptor. Caches nothing in these cases: the directory or its
 * parent is a symbolic link; the directory or its parent belongs to another user; other users have
 * any right to the directory; other users can write to the parent. */
#include "fetch/store.h"

#include "base/ascii.h"
#include "base/file.h"
#include "base/trust.h"
#include "fetch/fetch.h"
#include "provider/cache_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The retention time is longer than the life of any credentials. A role's session lives 12 hours at
 * most. A session of GetSessionToken, which a credential_process can print, lives 36 hours at most.
 */
enum {
    RETENTION_SECONDS = 37 * 3600,
};

/* Returns whether the directory belongs to the user and no other user can write to it
 * (base/trust.h). */
static bool is_trusted(int fd)
{
    struct ria_file facts;
    char who[RIA_ERROR_TEXT_MAX];
    return ria_file_facts(fd, &facts) && facts.owner == geteuid() &&
           !ria_trust_describe_writers(&facts, geteuid(), "", who, sizeof(who));
}

/* Opens a directory that belongs to the user, and creates it with mode 0700 if it does not exist.
 * No other user may be able to write to the directory; if is_closed is true, the mode must give
 * other users no rights at all. Returns -1 on failure. */
static int open_own_directory(int parent, const char *name, bool is_closed)
{
    (void)mkdirat(parent, name, S_IRWXU);
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && !(is_closed ? ria_file_is_private(fd, S_IFDIR) : is_trusted(fd))) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

/* Opens ".../rds-iam/cache". Creates "cache", "rds-iam" and the directory above them (~/.cache) if
 * they do not exist. Another user may own ~/.cache and the directories above it, for example if
 * root has a shell whose HOME is another user's home. That user must not be able to redirect the
 * cache, so neither "rds-iam" nor "cache" may be a symbolic link. */
static int open_cache(const char *directory)
{
    char path[PATH_MAX];
    size_t len = strlen(directory);
    if (len >= sizeof(path)) {
        return -1;
    }
    memcpy(path, directory, len + 1);
    char *cache = strrchr(path, '/');
    char *product = cache == NULL ? NULL : memrchr(path, '/', (size_t)(cache - path));
    if (product == NULL) {
        return -1;
    }
    *product = '\0';
    *cache = '\0';
    (void)mkdir(path, S_IRWXU);
    int base = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int parent = base < 0 ? -1 : open_own_directory(base, product + 1, false);
    int fd = parent < 0 ? -1 : open_own_directory(parent, cache + 1, true);
    if (base >= 0) {
        (void)close(base);
    }
    if (parent >= 0) {
        (void)close(parent);
    }
    return fd;
}

bool ria_store_open(struct ria_store *store, const char *directory, const char *name)
{
    *store = (struct ria_store){
        .directory = directory == NULL ? -1 : open_cache(directory), .lock = -1, .name = name};
    return store->directory >= 0;
}

bool ria_store_lock(struct ria_store *store, int64_t timeout)
{
    char name[NAME_MAX];
    (void)snprintf(name, sizeof(name), "%s.lock", store->name);
    if (store->lock < 0) {
        store->lock = openat(
            store->directory, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    }
    int error = store->lock < 0 ? errno : 0;
    /* Do not wait for the lock of a file that another user owns, because that user could hold the
     * lock forever. */
    if (error == 0 && !ria_file_is_private(store->lock, S_IFREG)) {
        (void)close(store->lock);
        store->lock = -1;
        error = EPERM;
    }
    error = error != 0 ? error : ria_lock_within(store->lock, timeout);
    store->is_held = error == 0;
    /* If locking fails for a reason other than the timeout, each process fetches the credentials
     * and no process writes the entry. */
    return error != EWOULDBLOCK;
}

void ria_store_unlock(struct ria_store *store)
{
    if (store->is_held) {
        (void)flock(store->lock, LOCK_UN);
        store->is_held = false;
    }
}

/* The new time also makes remove_old() keep a lock file that is in use. */
void ria_store_begin(const struct ria_store *store)
{
    if (store->is_held) {
        (void)futimens(store->lock, NULL);
    }
}

static bool is_earlier(const struct timespec *one, const struct timespec *other)
{
    return one->tv_sec != other->tv_sec ? one->tv_sec < other->tv_sec
                                        : one->tv_nsec < other->tv_nsec;
}

int64_t ria_store_failed_ago(const struct ria_store *store)
{
    struct stat entry;
    struct stat lock;
    struct timespec now;
    if (store->lock < 0 || fstat(store->lock, &lock) != 0 ||
        fstatat(store->directory, store->name, &entry, AT_SYMLINK_NOFOLLOW) != 0 ||
        !is_earlier(&entry.st_mtim, &lock.st_mtim) || clock_gettime(CLOCK_REALTIME, &now) != 0 ||
        is_earlier(&now, &lock.st_mtim)) {
        return -1;
    }
    return now.tv_sec - lock.st_mtim.tv_sec;
}

/* Returns whether a file belongs to the cache: "NAME", "NAME.lock" or "NAME.new", where NAME is a
 * digest in hexadecimal. */
static bool store_is_ours(const char *name)
{
    const char *end = name + strspn(name, RIA_HEX_DIGITS);
    return end - name == RIA_CACHE_NAME_SIZE - 1 &&
           (*end == '\0' || strcmp(end, ".lock") == 0 || strcmp(end, ".new") == 0);
}

/* Removes the files of the cache that are older than the retention time. Old entries remain because
 * no process overwrites them: the name of an entry depends on tokens that are rotated, so later
 * logins use other names. */
static void remove_old(int directory)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry = NULL;
    time_t oldest = time(NULL) - RETENTION_SECONDS;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        struct stat status;
        if (store_is_ours(entry->d_name) &&
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

/* The temporary file has a fixed name, because only the process that holds the lock writes it. */
bool ria_store_write(const struct ria_store *store, const struct ria_buf *record)
{
    char fresh[NAME_MAX];
    if (store->directory < 0 || !store->is_held) {
        return false;
    }
    remove_old(store->directory);
    (void)snprintf(fresh, sizeof(fresh), "%s.new", store->name);
    const struct ria_replacement what = {
        .directory = store->directory,
        .name = store->name,
        .fresh = fresh,
        .mode = S_IRUSR | S_IWUSR,
    };
    return ria_file_replace(&what, record->data, record->len);
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
