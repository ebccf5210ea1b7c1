/* SPDX-License-Identifier: MIT
 *
 * Calls the core (rds_iam.h) for one of three tasks: to make a token, to check that a given token
 * may be sent, or to check whether tokens are made for the host. If the program names no user,
 * first finds the operating system's user; if no user can be found, the login fails. The core needs
 * more stack than the 60 KB that Connector/C's asynchronous API gives a plugin. So all of this code
 * runs on a stack that os/guest_thread.h chooses. */
#include "login_token.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Returns the user name in the environment, or NULL. Used for a process whose user has no passwd
 * entry, as is common in containers. */
static const char *name_in_environment(const struct ria_world *world)
{
    static const char *const variables[] = {"USER", "LOGNAME", "LOGIN"};
    const char *name = NULL;
    for (size_t i = 0; name == NULL && i < sizeof(variables) / sizeof(variables[0]); i++) {
        name = ria_world_env(world, variables[i]);
    }
    return name;
}

/* If the program names no user, the client library determines the user itself (read_user_name() in
 * Connector/C's mariadb_lib.c, 3.1 to 3.4, and in MySQL's client.cc, 5.7 to 9.7). This function
 * must find the same user, and does so with one exception. If the process's user has no passwd
 * entry, Connector/C tries the terminal's login name before the environment; this function tries
 * only the environment. If the terminal's login name and the name in the environment differ, the
 * token is for the wrong user, and the server denies the login. */
static bool find_os_user(struct ria_login_token *login_token, const struct ria_world *world)
{
    char text[4096];
    struct passwd entry;
    struct passwd *found = NULL;
    const char *name = NULL;
    if (geteuid() == 0) {
        name = "root";
    } else if (
        login_token->login_name != NULL && login_token->login_name(text, sizeof(text)) == 0) {
        name = text;
    } else if (getpwuid_r(geteuid(), &entry, text, sizeof(text), &found) == 0 && found != NULL) {
        name = found->pw_name;
    } else {
        name = name_in_environment(world);
    }
    if (name == NULL || strlen(name) >= sizeof(login_token->os_user)) {
        return ria_fail(&login_token->err, RIA_E_USAGE, RIA_REFUSAL_NO_USER);
    }
    memcpy(login_token->os_user, name, strlen(name) + 1);
    login_token->login.user = login_token->os_user;
    return true;
}

/* Makes the token, or checks the given token. */
static enum ria_outcome login_token_make(
    struct ria_login_token *login_token,
    struct ria_deadline deadline,
    const struct ria_world *world)
{
    if (login_token->task == RIA_LOGIN_MAY_SEND) {
        return ria_login_may_send(&login_token->login, world, &login_token->err) ? RIA_FOUND
                                                                                 : RIA_FAILED;
    }
    return ria_token_for(
        &login_token->login, deadline, world, &login_token->token, &login_token->err);
}

/* Runs on the chosen stack: finds the user, checks whether tokens are made for the host if
 * needs_endpoint is set, and carries out the task. */
static void run_task(void *argument)
{
    struct ria_login_token *login_token = argument;
    const struct ria_world *world = ria_process_world();
    login_token->outcome = RIA_FAILED;
    if (login_token->login.user == NULL && !find_os_user(login_token, world)) {
        return;
    }
    struct ria_deadline deadline = ria_deadline_in(world, RIA_LOGIN_BUDGET_MS);
    bool checks_endpoint_first =
        login_token->needs_endpoint || login_token->task == RIA_LOGIN_HAS_ENDPOINT;
    if (checks_endpoint_first) {
        login_token->outcome =
            ria_login_has_endpoint(&login_token->login, world, &login_token->err);
        login_token->lacks_endpoint = login_token->outcome == RIA_ABSENT;
    }
    if (login_token->lacks_endpoint && login_token->queries_dns) {
        ria_alias_explain(&login_token->login, deadline, world, &login_token->err);
    }
    if (login_token->task != RIA_LOGIN_HAS_ENDPOINT &&
        (!checks_endpoint_first || login_token->outcome == RIA_FOUND)) {
        login_token->outcome = login_token_make(login_token, deadline, world);
    }
}

bool ria_login_token_run(struct ria_login_token *login_token)
{
    /* If the program gives no user name, the C library's name service (NSS) looks the name up, and
     * its modules need more stack. */
    const struct ria_guest_work guest_work = {
        .need = login_token->login.user == NULL ? RIA_GUEST_NAME_SERVICE : RIA_GUEST_TOKEN,
        .run = run_task,
        .argument = login_token};
    int error = ria_guest_run(&guest_work);
    return error == 0 || ria_fail(&login_token->err, RIA_E_SYSTEM, RIA_REFUSAL_THREAD, error);
}

void ria_login_token_log_password(
    const struct ria_login *login, int (*login_name)(char *name, size_t size))
{
    const struct ria_world *world = ria_process_world();
    if (world->log == NULL) {
        return;
    }
    ria_world_log(
        world,
        RIA_LOG_INFO,
        "the program gave a password, so the password was sent and no token was made");
    struct ria_login_token *login_token = calloc(1, sizeof(*login_token));
    if (login_token == NULL) {
        return;
    }
    login_token->login = *login;
    login_token->login_name = login_name;
    login_token->task = RIA_LOGIN_HAS_ENDPOINT;
    if (ria_login_token_run(login_token) && login_token->outcome == RIA_FOUND) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "the program's own password (MYSQL_PWD, password= in an option file, -p, or a setting) "
            "is sent to %s instead of a token; remove it if %s logs in with IAM",
            login_token->login.host,
            login_token->login.user);
    }
    free(login_token);
}
