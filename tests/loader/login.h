/* SPDX-License-Identifier: MIT
 *
 * Runs one login in a test: over a TCP connection on loopback, with the library at one end. The
 * other end records the bytes that arrive. The process has AWS credentials in its environment, and
 * no other settings of a user.
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
    unsigned port; /* of the listener, to which all logins connect */
};

/* The result of one login. */
struct ria_login_result {
    bool ok;
    int result; /* the plugin's return value */
    unsigned code;
    char error[512];
    char sqlstate[6];
    size_t packets;
    size_t len;
    char received[RIA_RECEIVED_MAX];
};

/* Sets the environment. Call it once in a process, before any thread starts. */
void ria_login_environment(void);

void ria_login_listen(struct ria_login_case *login);
void ria_login_close(struct ria_login_case *login);

/* Connects to the listener. *ours is the client's end, *theirs the server's; the caller closes
 * both. */
void ria_login_connect(const struct ria_login_case *login, int *ours, int *theirs);

/* Closes `ours`, reads everything that was sent to `theirs`, and closes `theirs`. */
void ria_login_collect(int ours, int theirs, struct ria_login_result *out);

/* Checks the rules that every login follows. A success is one packet and the return value -1. An
 * error has a number, a SQLSTATE and a text, and the plugin's return value is at most 1. If the
 * plugin rejects the login (error 2061), it sends one empty password and nothing else. With any
 * other error it sends nothing. */
void ria_login_check(const char *message, const struct ria_login_result *outcome);

/* Runs one login from connect to close, and checks it with ria_login_check(). If dialed->port is
 * 0, the listener's port is used. */
void ria_login_run(
    const struct ria_login_case *login,
    struct ria_library *library,
    const struct ria_dialed *dialed,
    struct ria_login_result *out);

/* Expects that one token for this host, port and user was sent, with its NUL. */
void ria_login_expect_token(
    const char *message,
    const struct ria_login_result *outcome,
    const char *host,
    unsigned port,
    const char *user);

/* Expects that the login failed with this error number and a text that begins with `text`. */
void ria_login_expect_refusal(
    const char *message, const struct ria_login_result *outcome, unsigned code, const char *text);

#endif
