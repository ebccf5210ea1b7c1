/* SPDX-License-Identifier: MIT
 *
 * Finds the home directory of the effective user where HOME is unset. /etc/passwd is read first.
 * For a user who is not in it the answer may come from a module of NSS and over the network. A
 * guest must not load such a module into its host, and cannot end its wait; so rds-iam-fetch is
 * asked, which is killed when the time is over. The answer is remembered for the user that it was
 * asked for; an answer that did not come is asked for again after a minute. */
#include "home.h"

#include "codec/passwd.h"

#include <stdlib.h>
#include <string.h>

enum {
    BUDGET_MS = 2000,
    AGAIN_MS = 60 * 1000,
    PASSWD_MAX = 1024 * 1024,
    HOME_MAX = 4096,
};

/* An answer. Other threads may use one at any time, so none is freed. */
struct answer {
    const struct answer *before;
    uid_t uid;
    char home[]; /* "": the user has none */
};

static const struct answer *answers;
static int64_t silent_until; /* on the world's ticks */

static const struct answer *find(const struct answer *first, uid_t uid)
{
    const struct answer *at = first;
    while (at != NULL && at->uid != uid) {
        at = at->before;
    }
    return at;
}

/* Two threads may ask at the same time; the later answer is then found first. */
static const struct answer *remember(uid_t uid, const char *home)
{
    size_t size = strlen(home) + 1;
    struct answer *made = malloc(sizeof(*made) + size);
    if (made == NULL) {
        return NULL;
    }
    made->uid = uid;
    memcpy(made->home, home, size);
    made->before = __atomic_load_n(&answers, __ATOMIC_ACQUIRE);
    while (!__atomic_compare_exchange_n(
        &answers, &made->before, made, true, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE)) {
    }
    return made;
}

static bool look_into_file(const struct ria_world *world, uid_t uid, struct ria_buf *home)
{
    RIA_AUTO(buf) text = {.max = PASSWD_MAX};
    struct ria_error unused;
    return world->read_file(world->self, "/etc/passwd", &text, NULL, &unused) == RIA_FOUND &&
           ria_passwd_find_home(&text, (uint32_t)uid, home);
}

static bool ask(const struct ria_world *world, struct ria_buf *home)
{
    RIA_AUTO(buf) question = {.max = 64};
    RIA_AUTO(buf) answer = {.max = HOME_MAX + 64};
    struct ria_error unused;
    ria_passwd_write_question(&question);
    struct ria_deadline deadline = ria_deadline_in(world, BUDGET_MS);
    return ria_buf_text(&question) != NULL &&
           world->fetch(world->self, &question, deadline, &answer, &unused) &&
           ria_passwd_read_answer(&answer, home);
}

const char *ria_home_of_user(const struct ria_world *world)
{
    uid_t uid = world->uid(world->self);
    const struct answer *found = find(__atomic_load_n(&answers, __ATOMIC_ACQUIRE), uid);
    int64_t now = world->ticks(world->self);
    if (found == NULL && now >= __atomic_load_n(&silent_until, __ATOMIC_RELAXED)) {
        RIA_AUTO(buf) home = {.max = HOME_MAX};
        if (look_into_file(world, uid, &home) || ask(world, &home)) {
            found = remember(uid, ria_buf_text(&home));
        } else {
            __atomic_store_n(&silent_until, now + AGAIN_MS, __ATOMIC_RELAXED);
        }
    }
    return found == NULL || found->home[0] == '\0' ? NULL : found->home;
}
