/* SPDX-License-Identifier: MIT
 *
 * Finds the home directory of the effective user where HOME is unset. NSS answers, which may ask a
 * server on the network and does not say for how long. So a thread of our own asks
 * (os/guest_thread.h), and is left to itself when the time is over: no login waits for it. The
 * answer is remembered for the user that it is about; where none has come, NSS is asked again after
 * a minute. */
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
    ENTRY_SIZE = 4096, /* of a passwd entry; it is doubled where it is too small */
    ENTRY_MAX = 1024 * 1024,
};

/* An answer. Other threads may use one at any time, so none is freed. */
struct response {
    struct response *before;
    uid_t uid;
    char home[]; /* "": the user has none */
};

static struct response *responses;
static int64_t silent_until; /* seconds of CLOCK_MONOTONIC */

static const struct response *home_find(uid_t uid)
{
    const struct response *at = __atomic_load_n(&responses, __ATOMIC_ACQUIRE);
    while (at != NULL && at->uid != uid) {
        at = at->before;
    }
    return at;
}

static void home_remember(uid_t uid, const char *home)
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

/* For the user that the thread has inherited. A relative path is not a home directory. An error is
 * not an answer. */
static void query(void *unused)
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
            home_remember(uid, is_path ? found->pw_dir : "");
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
    if (found == NULL && now.tv_sec >= __atomic_load_n(&silent_until, __ATOMIC_RELAXED)) {
        struct ria_guest_work work = {.need = RIA_GUEST_NAME_SERVICE, .run = query};
        (void)ria_guest_run_in_time(&work, BUDGET_MS);
        found = home_find(uid);
        if (found == NULL) {
            __atomic_store_n(&silent_until, now.tv_sec + AGAIN_S, __ATOMIC_RELAXED);
        }
    }
    return found == NULL || found->home[0] == '\0' ? NULL : found->home;
}
