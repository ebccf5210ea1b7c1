/* SPDX-License-Identifier: MIT
 *
 * Finds the home directory of the effective user where HOME is unset. NSS answers, which may ask a
 * server on the network and does not say for how long. So a thread of our own asks, and is left to
 * itself when the time is over: no login waits for it. The answer is remembered for the user that
 * it is about; where none has come, NSS is asked again after a minute. */
#include "os/home.h"

#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    BUDGET_S = 2,
    AGAIN_S = 60,
    STACK_SIZE = 512 * 1024, /* modules of NSS have buffers of their own there */
    ENTRY_SIZE = 4096,       /* of a passwd entry; it is doubled where it is too small */
    ENTRY_MAX = 1024 * 1024,
};

/* An answer. Other threads may use one at any time, so none is freed. */
struct answer {
    struct answer *before;
    uid_t uid;
    char home[]; /* "": the user has none */
};

static struct answer *answers;
static int64_t silent_until; /* seconds of CLOCK_MONOTONIC */

static const struct answer *find(uid_t uid)
{
    const struct answer *at = __atomic_load_n(&answers, __ATOMIC_ACQUIRE);
    while (at != NULL && at->uid != uid) {
        at = at->before;
    }
    return at;
}

static void remember(uid_t uid, const char *home)
{
    size_t size = strlen(home) + 1;
    struct answer *made = malloc(sizeof(*made) + size);
    if (made == NULL) {
        return;
    }
    made->uid = uid;
    memcpy(made->home, home, size);
    made->before = __atomic_load_n(&answers, __ATOMIC_ACQUIRE);
    while (!__atomic_compare_exchange_n(
        &answers, &made->before, made, true, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE)) {
    }
}

/* Shared by the thread that asks and the one that waits; the last of them frees it. */
struct lookup {
    sem_t done;
    int users;
    uid_t uid;
};

static void release(struct lookup *lookup)
{
    if (__atomic_sub_fetch(&lookup->users, 1, __ATOMIC_ACQ_REL) == 0) {
        (void)sem_destroy(&lookup->done);
        free(lookup);
    }
}

/* A relative path is not a home directory. An error is not an answer. */
static void ask(uid_t uid)
{
    int error = ERANGE;
    for (size_t size = ENTRY_SIZE; error == ERANGE && size <= ENTRY_MAX; size *= 2) {
        struct passwd entry;
        struct passwd *found = NULL;
        char *room = malloc(size);
        error = room == NULL ? ENOMEM : getpwuid_r(uid, &entry, room, size, &found);
        if (error == 0) {
            bool is_path = found != NULL && found->pw_dir != NULL && *found->pw_dir == '/';
            remember(uid, is_path ? found->pw_dir : "");
        }
        free(room);
    }
}

static void *work(void *argument)
{
    struct lookup *lookup = argument;
    ask(lookup->uid);
    (void)sem_post(&lookup->done);
    release(lookup);
    return NULL;
}

/* The thread takes no signal of the host's. */
static bool start(struct lookup *lookup)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, work, lookup);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return error == 0;
}

/* Returns when the answer is there, or when the time is over. */
static void ask_in_time(uid_t uid, const struct timespec *now)
{
    struct timespec end = {now->tv_sec + BUDGET_S, now->tv_nsec};
    struct lookup *lookup = calloc(1, sizeof(*lookup));
    if (lookup == NULL || sem_init(&lookup->done, 0, 0) != 0) {
        free(lookup);
        return;
    }
    lookup->uid = uid;
    lookup->users = 2;
    if (!start(lookup)) {
        lookup->users = 1;
    } else {
        while (sem_clockwait(&lookup->done, CLOCK_MONOTONIC, &end) != 0 && errno == EINTR) {
        }
    }
    release(lookup);
}

const char *ria_home_of_user(void)
{
    uid_t uid = geteuid();
    struct timespec now = {0};
    const struct answer *found = find(uid);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (found == NULL && now.tv_sec >= __atomic_load_n(&silent_until, __ATOMIC_RELAXED)) {
        ask_in_time(uid, &now);
        found = find(uid);
        if (found == NULL) {
            __atomic_store_n(&silent_until, now.tv_sec + AGAIN_S, __ATOMIC_RELAXED);
        }
    }
    return found == NULL || found->home[0] == '\0' ? NULL : found->home;
}
