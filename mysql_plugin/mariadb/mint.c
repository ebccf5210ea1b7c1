/* SPDX-License-Identifier: MIT
 *
 * The core needs some tens of KB of stack and name services more; the asynchronous client API gives
 * a plugin 60 KB without a guard page. So where it is not plain that there is enough, the work is
 * done on a thread of our own, which is joined before the call returns. The host's signal handlers
 * stay off it. A program that has but one thread is spared the second: it would make every malloc()
 * and free() that follows slower, and cost 200 KB. */
#include "plugin.h"

#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    STACK_SIZE = 1024 * 1024
};

/* Who Connector/C logs in when no user is named: read_user_name() in mariadb_lib.c, 3.1 to 3.4. */
static bool find_os_user(struct ria_mariadb_job *job)
{
    char text[4096];
    struct passwd entry;
    struct passwd *found = NULL;
    const char *name = geteuid() == 0 ? "root" : NULL;
    if (name == NULL && getpwuid_r(geteuid(), &entry, text, sizeof(text), &found) == 0 &&
        found != NULL) {
        name = found->pw_name;
    }
    if (name == NULL || strlen(name) >= sizeof(job->os_user)) {
        return ria_fail(&job->err, RIA_E_USAGE, RIA_REFUSAL_NO_USER);
    }
    (void)snprintf(job->os_user, sizeof(job->os_user), "%s", name);
    job->login.user = job->os_user;
    return true;
}

static void *work(void *argument)
{
    struct ria_mariadb_job *job = argument;
    const struct ria_world *world = ria_process_world();
    job->outcome = RIA_FAILED;
    if (job->login.user == NULL && !find_os_user(job)) {
        return NULL;
    }
    if (job->only_check) {
        job->outcome = ria_login_may_send(&job->login, world, &job->err) ? RIA_FOUND : RIA_FAILED;
    } else {
        struct ria_deadline deadline = ria_deadline_in(world, RIA_LOGIN_BUDGET_MS);
        job->outcome = ria_token_for(&job->login, deadline, world, &job->token, &job->err);
    }
    return NULL;
}

bool ria_mariadb_run(struct ria_mariadb_job *job)
{
    if (ria_mariadb_has_stack(STACK_SIZE)) {
        (void)work(job);
        return true;
    }
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    int error = pthread_attr_init(&attributes);
    if (error == 0) {
        error = pthread_attr_setstacksize(&attributes, STACK_SIZE);
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* the thread inherits it */
        error = error != 0 ? error : pthread_create(&thread, &attributes, work, job);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void)pthread_attr_destroy(&attributes);
    }
    if (error != 0) {
        return ria_fail(&job->err, RIA_E_SYSTEM, RIA_REFUSAL_THREAD, error);
    }
    (void)pthread_join(thread, NULL);
    return true;
}
