/* SPDX-License-Identifier: MIT
 *
 * One login in a test: a TCP connection over loopback, the library at its one end, and at the other
 * what has arrived. A process that uses it has AWS credentials in its environment and nothing else
 * of a user's.
 */
#ifndef RIA_LOADER_LOGIN_H
#define RIA_LOADER_LOGIN_H

#include "library.h"
#include "unit.h"

#define RIA_RDS_HOST "mydb.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com"
#define RIA_SHADOWS "rds_iam_v1;rds_iam_v2"

enum {
    RIA_RECEIVED_MAX = 32 * 1024
};

struct ria_login_case {
    int listener;
    unsigned port; /* of the listener: where all logins go */
};

/* What came of one login. */
struct ria_came_of {
    bool ok;
    int result; /* the plugin's own */
    unsigned code;
    char error[512];
    char sqlstate[6];
    size_t packets;
    size_t len;
    char received[RIA_RECEIVED_MAX];
};

/* Once a process, before any thread. */
void ria_login_environment(void);

void ria_login_listen(struct ria_login_case *login);
void ria_login_close(struct ria_login_case *login);

/* A connection to the listener; its two ends. */
void ria_login_connect(const struct ria_login_case *login, int *ours, int *theirs);

/* Everything that was sent, up to the end of the connection; closes both. */
void ria_login_collect(int ours, int theirs, struct ria_came_of *out);

/* An answer that no version of the library takes amiss, whatever it is: never above 0; an error has
 * number, SQLSTATE and text. A refusal of ours sends an empty password through TLS and nothing in
 * plain text; any other error sends nothing. */
void ria_login_check(const char *message, const struct ria_came_of *came);

/* One whole login. dialled->port of 0 becomes the listener's. */
void ria_login_run(
    const struct ria_login_case *login,
    struct ria_library *library,
    const struct ria_dialled *dialled,
    struct ria_came_of *out);

/* One token and its NUL, for this host, port and user. */
void ria_login_expect_token(
    const char *message,
    const struct ria_came_of *came,
    const char *host,
    unsigned port,
    const char *user);

/* Refused with this number and a text that begins so. */
void ria_login_expect_refusal(
    const char *message, const struct ria_came_of *came, unsigned code, const char *text);

#endif
