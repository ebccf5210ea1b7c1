/* SPDX-License-Identifier: MIT
 *
 * From a login to its token, away from the host's stack. The same for every client library; what
 * is particular to one (how it shows TLS, how an error reaches the user) is in its own folder.
 */
#ifndef RIA_MYSQL_PLUGIN_LOGIN_TOKEN_H
#define RIA_MYSQL_PLUGIN_LOGIN_TOKEN_H

#include "rds_iam.h"

enum ria_login_task {
    RIA_LOGIN_MAKE_TOKEN,   /* make a token */
    RIA_LOGIN_MAY_SEND,     /* may a token that the program has given be sent? */
    RIA_LOGIN_HAS_ENDPOINT, /* is the host one that tokens are made for? */
};

/* What is to be done, and what came of it. On the heap, zeroed, with its token initialised. */
struct ria_login_token {
    struct ria_login login;
    enum ria_login_task task;
    bool needs_endpoint; /* answer RIA_LOGIN_HAS_ENDPOINT first, and go on only if the host is known
                          */
    /* Where login.user is NULL: getlogin_r(), if the client library asks who sits at the terminal
     * before it asks whose process it is; or NULL. */
    int (*login_name)(char *name, size_t size);
    char os_user[256];   /* where login.user is NULL: filled with the operating system's user */
    bool asks_dns;       /* needs_endpoint: where the answer is no, and the login is refused for it,
                            what the name stands for */
    bool lacks_endpoint; /* needs_endpoint was asked, and the answer is no: err says why */
    struct ria_token token;
    enum ria_outcome outcome;
    struct ria_error err;
};

/* Does it where the stack in use has room for it, and else on a thread of our own
 * (os/guest_thread.h), and waits for it. False with login_token->err filled if there can be no
 * thread. */
bool ria_login_token_run(struct ria_login_token *login_token) RIA_MUST_USE;

/* Logs that the program's own password is sent and no token, and warns where the host is one that
 * tokens are made for, because the password may be a left-over. Reads the configuration only where
 * there is a log and the host's name does not tell. Any failure here is ignored: a password account
 * does not depend on it. login_name as in struct ria_login_token. */
void ria_login_token_log_password(
    const struct ria_login *login, int (*login_name)(char *name, size_t size));

#endif
