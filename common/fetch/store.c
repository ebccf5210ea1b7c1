/* SPDX-License-Identifier: MIT
 *
 * Files relative to the directory that was checked. */
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
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A role's session lives 12 hours at most, and one of GetSessionToken, which a credential_process
 * can print, 36. */
enum {
    KEPT_SECONDS = 37 * 3600,
};

/* The user's own, and others cannot write it (base/trust.h). */
static bool is_trusted(int fd)
{
    struct ria_file facts;
    char who[RIA_ERROR_TEXT_MAX];
    return ria_file_facts(fd, &facts) && facts.owner == geteuid() &&
           !ria_trust_describe_writers(&facts, geteuid(), "", who, sizeof(who));
}

/* Opens a directory of the user's own, made where it is missing. `is_closed`: others may not even
 * enter it. */
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

/* Opens ".../rds-iam/cache". What is above these two may belong to somebody else (HOME stays set in
 * some shells of root), who must not lead us elsewhere: neither of the two may be a link. ~/.cache
 * is made too. */
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
    store->lock = openat(
        store->directory, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    int error = store->lock < 0 ? errno : 0;
    /* Another user's could be held for ever. */
    if (error == 0 && !ria_file_is_private(store->lock, S_IFREG)) {
        (void)close(store->lock);
        store->lock = -1;
        error = EPERM;
    }
    error = error != 0 ? error : ria_lock_within(store->lock, timeout);
    store->is_held = error == 0;
    if (store->is_held) {
        (void)futimens(store->lock, NULL); /* remove_old() takes it for one that nobody uses */
    }
    /* Where there are no locks, everybody fetches and nobody writes. */
    return error != EWOULDBLOCK;
}

/* "NAME", "NAME.lock" and "NAME.new", where a name is a digest in hexadecimal. */
static bool store_is_ours(const char *name)
{
    const char *end = name + strspn(name, RIA_HEX_DIGITS);
    return end - name == RIA_CACHE_NAME_SIZE - 1 &&
           (*end == '\0' || strcmp(end, ".lock") == 0 || strcmp(end, ".new") == 0);
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

/* The name of the new file is the same each time: its writer holds the lock. */
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
