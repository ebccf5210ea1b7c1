/* SPDX-License-Identifier: MIT
 *
 * Finds the home directory of the effective user, for a process in which HOME is unset or blank.
 * Queries NSS (Name Service Switch), which may wait for a server on the network without a time
 * limit. Therefore a separate thread makes the query (os/guest_thread.h), and the caller stops
 * waiting after 2 seconds. The result is cached per user. If the query fails or does not end in
 * time, NSS is queried again after a minute.
 */
#include "os/process_world.h"

#include "os/guest_thread.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    BUDGET_MS = 2000,
    AGAIN_S = 60,
    ENTRY_SIZE = 4096, /* first buffer for a passwd entry; doubled while it is too small */
    ENTRY_MAX = 1024 * 1024,
};

/* A result of NSS. Other threads may read the result at any time, so the result is never freed. */
struct response {
    struct response *before;
    uid_t uid;
    char home[]; /* "": the user has no home directory */
};

static struct response *responses;

/* After a query without a result, NSS is not queried again before this time (seconds of
 * CLOCK_MONOTONIC).
 */
static int64_t retry_at;

static const struct response *home_find(uid_t uid)
{
    const struct response *at = __atomic_load_n(&responses, __ATOMIC_ACQUIRE);
    while (at != NULL && at->uid != uid) {
        at = at->before;
    }
    return at;
}

static void home_store(uid_t uid, const char *home)
{
    size_t size = strlen(home) + 1;
    struct response *made = malloc(sizeof(*made) + size);
    if (made == NULL) {
        return;
    }
    made->uid = uid;
    memcpy(made->home, home, size);
    made->before = __atomic_load_n(&responses, __ATOMIC_ACQUIRE);
    while (!__atomic_compare_exchange_n(
        &responses, &made->before, made, true, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE)) {
    }
}

/* Runs on a separate thread, which has the same effective user as the thread that created it.
 * Stores "" if the user has no entry or the entry has no absolute path. Stores nothing if NSS
 * returns an error. */
static void query_nss(void *unused)
{
    (void)unused;
    uid_t uid = geteuid();
    int error = ERANGE;
    for (size_t size = ENTRY_SIZE; error == ERANGE && size <= ENTRY_MAX; size *= 2) {
        struct passwd entry;
        struct passwd *found = NULL;
        char *room = malloc(size);
        error = room == NULL ? ENOMEM : getpwuid_r(uid, &entry, room, size, &found);
        if (error == 0) {
            bool is_path = found != NULL && found->pw_dir != NULL && *found->pw_dir == '/';
            home_store(uid, is_path ? found->pw_dir : "");
        }
        free(room);
    }
}

const char *ria_home_of_user(void)
{
    uid_t uid = geteuid();
    struct timespec now = {0};
    const struct response *found = home_find(uid);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (found == NULL && now.tv_sec >= __atomic_load_n(&retry_at, __ATOMIC_RELAXED)) {
        struct ria_guest_work work = {.need = RIA_GUEST_NAME_SERVICE, .run = query_nss};
        (void)ria_guest_run_in_time(&work, BUDGET_MS);
        found = home_find(uid);
        if (found == NULL) {
            __atomic_store_n(&retry_at, now.tv_sec + AGAIN_S, __ATOMIC_RELAXED);
        }
    }
    return found == NULL || found->home[0] == '\0' ? NULL : found->home;
}
