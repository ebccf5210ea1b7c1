/* SPDX-License-Identifier: MIT
 *
 * From a login to its token, away from the host's stack. The same for every client library; what
 * is particular to one (how it shows TLS, how an error reaches the user) is in its own folder.
 */
#ifndef RIA_MYSQL_PLUGIN_MINT_H
#define RIA_MYSQL_PLUGIN_MINT_H

#include "rds_iam.h"

/* What is to be done, and what came of it. On the heap, zeroed, with its token initialised. */
struct ria_mint {
    struct ria_login login;
    bool only_check; /* may a token be sent? instead of: make one */
    bool only_known; /* first: is the host one that tokens are made for? */
    /* Where login.user is NULL: getlogin_r(), if the client library asks who sits at the terminal
     * before it asks whose process it is; or NULL. */
    int (*login_name)(char *name, size_t size);
    char os_user[256]; /* where login.user is NULL: filled with the operating system's user */
    bool asks_dns;     /* only_known: where the answer is no, and the login is refused for it,
                          what the name stands for */
    bool is_unknown;   /* only_known was asked, and the answer is no: err says why */
    struct ria_token token;
    enum ria_outcome outcome;
    struct ria_error err;
};

/* Does it, where the stack is not known to be big enough on a thread with a stack of 1 MB and all
 * signals blocked, and waits for it. False with mint->err filled if there can be no thread. */
bool ria_mint_run(struct ria_mint *mint) RIA_MUST_USE;

#endif
