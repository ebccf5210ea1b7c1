/* SPDX-License-Identifier: MIT
 *
 * The core needs some tens of KB of stack and name services more; Connector/C's asynchronous API
 * gives a plugin 60 KB without a guard page. So the work is done where the caller stands if that is
 * a thread's own stack with enough left, and else (a coroutine, a small stack) on a thread of our
 * own, which is joined before the call returns. The host's signal handlers stay off that thread. It
 * is the exception because it costs five logins' worth of work, 200 KB, and in a program that had
 * one thread a slower malloc() and free() ever after. */
#include "login_token.h"

#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    STACK_SIZE = 1024 * 1024,
    /* Measured are 40 KB; some runtimes keep 100 KB at the end of a stack for themselves. */
    ROOM = 256 * 1024,
};

/* Of a process whose user has no entry, as in a container. */
static const char *name_in_environment(const struct ria_world *world)
{
    static const char *const variables[] = {"USER", "LOGNAME", "LOGIN"};
    const char *name = NULL;
    for (size_t i = 0; name == NULL && i < sizeof(variables) / sizeof(variables[0]); i++) {
        name = ria_world_env(world, variables[i]);
    }
    return name;
}

/* Who a client library logs in when no user is named: read_user_name() in Connector/C's
 * mariadb_lib.c, 3.1 to 3.4, and in MySQL's client.cc, 5.7 to 9.7. Connector/C asks for the
 * terminal's user, too, behind the process's: left out, since where the two differ the server
 * denies. */
static bool find_os_user(struct ria_mint *mint, const struct ria_world *world)
{
    char text[4096];
    struct passwd entry;
    struct passwd *found = NULL;
    const char *name = NULL;
    if (geteuid() == 0) {
        name = "root";
    } else if (mint->login_name != NULL && mint->login_name(text, sizeof(text)) == 0) {
        name = text;
    } else if (getpwuid_r(geteuid(), &entry, text, sizeof(text), &found) == 0 && found != NULL) {
        name = found->pw_name;
    } else {
        name = name_in_environment(world);
    }
    if (name == NULL || strlen(name) >= sizeof(mint->os_user)) {
        return ria_fail(&mint->err, RIA_E_USAGE, RIA_REFUSAL_NO_USER);
    }
    memcpy(mint->os_user, name, strlen(name) + 1);
    mint->login.user = mint->os_user;
    return true;
}

static enum ria_outcome make(
    struct ria_mint *mint, struct ria_deadline deadline, const struct ria_world *world)
{
    if (mint->task == RIA_MINT_MAY_SEND) {
        return ria_login_may_send(&mint->login, world, &mint->err) ? RIA_FOUND : RIA_FAILED;
    }
    return ria_token_for(&mint->login, deadline, world, &mint->token, &mint->err);
}

static void *work(void *argument)
{
    struct ria_mint *mint = argument;
    const struct ria_world *world = ria_process_world();
    mint->outcome = RIA_FAILED;
    if (mint->login.user == NULL && !find_os_user(mint, world)) {
        return NULL;
    }
    struct ria_deadline deadline = ria_deadline_in(world, RIA_LOGIN_BUDGET_MS);
    bool asks_first = mint->only_known || mint->task == RIA_MINT_IS_KNOWN;
    if (asks_first) {
        mint->outcome = ria_login_is_known(&mint->login, world, &mint->err);
        mint->is_unknown = mint->outcome == RIA_ABSENT;
    }
    if (mint->is_unknown && mint->asks_dns) {
        ria_alias_explain(&mint->login, deadline, world, &mint->err);
    }
    if (mint->task != RIA_MINT_IS_KNOWN && (!asks_first || mint->outcome == RIA_FOUND)) {
        mint->outcome = make(mint, deadline, world);
    }
    return NULL;
}

static bool run(struct ria_mint *mint)
{
    /* Modules of the name service, which are asked for the user, are not ours to measure. */
    if (ria_stack_has(mint->login.user == NULL ? STACK_SIZE : ROOM)) {
        (void)work(mint);
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
        error = error != 0 ? error : pthread_create(&thread, &attributes, work, mint);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void)pthread_attr_destroy(&attributes);
    }
    if (error != 0) {
        return ria_fail(&mint->err, RIA_E_SYSTEM, RIA_REFUSAL_THREAD, error);
    }
    (void)pthread_join(thread, NULL);
    return true;
}

/* A thread that is cancelled in here would leave its keys unwiped, and a program unreaped. */
bool ria_mint_run(struct ria_mint *mint)
{
    int before = PTHREAD_CANCEL_ENABLE;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    bool ran = run(mint);
    (void)pthread_setcancelstate(before, NULL);
    return ran;
}

void ria_mint_log_password(
    const struct ria_login *login, int (*login_name)(char *name, size_t size))
{
    const struct ria_world *world = ria_process_world();
    if (world->log == NULL) {
        return;
    }
    ria_world_log(
        world, RIA_LOG_INFO, "the program gave a password, so that was sent and no token was made");
    struct ria_mint *mint = calloc(1, sizeof(*mint));
    if (mint == NULL) {
        return;
    }
    mint->login = *login;
    mint->login_name = login_name;
    mint->task = RIA_MINT_IS_KNOWN;
    if (ria_mint_run(mint) && mint->outcome == RIA_FOUND) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "the program's own password (MYSQL_PWD, password= in an option file, -p, or a setting) "
            "is sent to %s and no token: take it away if %s logs in with IAM",
            mint->login.host,
            mint->login.user);
    }
    free(mint);
}
