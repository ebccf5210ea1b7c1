/* SPDX-License-Identifier: MIT
 *
 * Carries out one task for one login: makes a token, checks that a given token may be sent, or
 * checks whether tokens are made for the host. Tokens are made for a host if the host is an RDS
 * name, or if the section of rds-iam's configuration for the host has the key `endpoint`.
 *
 * The task runs on a stack that has enough room, because a client library may call a plugin on a
 * small stack. All plugins use this file. What differs between the client libraries (how a library
 * reports TLS, how an error reaches the user) is in each library's own folder.
 */
#ifndef RIA_MYSQL_PLUGIN_LOGIN_TOKEN_H
#define RIA_MYSQL_PLUGIN_LOGIN_TOKEN_H

#include "rds_iam.h"

enum ria_login_task {
    RIA_LOGIN_MAKE_TOKEN, /* ria_token_for(): make a token */
    RIA_LOGIN_MAY_SEND,   /* ria_login_may_send(): check that the token that the program gave may be
                             sent over login.channel */
    RIA_LOGIN_HAS_ENDPOINT, /* ria_login_has_endpoint(): check only whether tokens are made for
                               the host */
};

/* One task and its result. Allocate this struct on the heap, because it is too large for a small
 * stack. Zero the struct, initialize `token` with RIA_TOKEN_INIT, fill the first five members, and
 * call ria_login_token_run(). Release `token` at the end. */
struct ria_login_token {
    struct ria_login login; /* user may be NULL: the operating system's user logs in */
    enum ria_login_task task;
    bool needs_endpoint; /* carry out `task` only if tokens are made for the host */
    /* Finds the user if login.user is NULL and the process does not run as root. Set this member to
     * getlogin_r() for a client library that prefers the terminal's login name to the process's
     * user. Set it to NULL for a library that logs in as the process's user. */
    int (*login_name)(char *name, size_t size);
    bool queries_dns; /* if tokens are not made for the host: query DNS, and name in err the RDS
                         endpoint that the host is an alias of */

    /* ria_login_token_run() fills the members below. */
    char os_user[256];      /* the name of the operating system's user, if login.user was NULL;
                               login.user then points to this name */
    bool lacks_endpoint;    /* tokens are not made for the host; err contains the reason */
    struct ria_token token; /* RIA_LOGIN_MAKE_TOKEN: the token, if outcome is RIA_FOUND */
    enum ria_outcome outcome;
    struct ria_error err; /* filled unless outcome is RIA_FOUND */
};

/* Carries out the task within RIA_LOGIN_BUDGET_MS and blocks until the task is done. Runs the task
 * on the caller's stack if that stack has enough room, else on a new thread (os/guest_thread.h).
 * Returns true if the task ran, with the result in login_token->outcome. Returns false with
 * login_token->err filled, and does not set login_token->outcome, if no thread can be started.
 * Thread-safe. */
bool ria_login_token_run(struct ria_login_token *login_token) RIA_MUST_USE;

/* Logs that the plugin sends the program's own password instead of a token. Adds a warning if
 * tokens are made for the host, because the password may be left over from an earlier setup. Does
 * nothing if the process has no log. Reads the configuration file only if the host's name alone
 * does not show whether tokens are made for the host. Ignores every failure, because a login with a
 * password does not depend on this check. `login_name` has the same meaning as in struct
 * ria_login_token. */
void ria_login_token_log_password(
    const struct ria_login *login, int (*login_name)(char *name, size_t size));

#endif
