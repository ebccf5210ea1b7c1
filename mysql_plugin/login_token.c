/* SPDX-License-Identifier: MIT
 *
 * Finds the user where the program names none, and asks the core for the token, for whether a
 * given token may be sent, or for whether the host is known. The core needs more stack than
 * Connector/C's asynchronous API gives a plugin, so all of it runs where os/guest_thread.h finds
 * room. */
#include "login_token.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void work(void *argument)
{
    struct ria_mint *mint = argument;
    const struct ria_world *world = ria_process_world();
    mint->outcome = RIA_FAILED;
    if (mint->login.user == NULL && !find_os_user(mint, world)) {
        return;
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
}

bool ria_mint_run(struct ria_mint *mint)
{
    /* The user's name is asked of the name service. */
    const struct ria_guest_work mint_work = {
        .need = mint->login.user == NULL ? RIA_GUEST_NAME_SERVICE : RIA_GUEST_TOKEN,
        .run = work,
        .argument = mint};
    int error = ria_guest_run(&mint_work);
    return error == 0 || ria_fail(&mint->err, RIA_E_SYSTEM, RIA_REFUSAL_THREAD, error);
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
