/* SPDX-License-Identifier: MIT
 *
 * What the files of this plugin offer one another. Nothing here leaves the shared object.
 */
#ifndef RIA_MARIADB_PLUGIN_H
#define RIA_MARIADB_PLUGIN_H

#include "abi.h"
#include "rds_iam.h"

/* How well the connection is protected, as the library itself tells it. *missing is then the
 * setting that would make it better, as the second half of a sentence; static text. */
enum ria_channel ria_mariadb_channel(struct ria_mariadb *mysql, const char **missing);

/* What is to be done away from the caller's stack, and what came of it. On the heap. */
struct ria_mariadb_job {
    struct ria_login login;
    bool only_check;   /* may a token be sent? instead of: make one */
    char os_user[256]; /* where login.user is NULL: filled with the operating system's user */
    struct ria_token token;
    enum ria_outcome outcome;
    struct ria_error err;
};

/* Runs the job on a thread with a stack of 1 MB and all signals blocked, and waits for it. False
 * with job->err filled if there can be no thread. */
bool ria_mariadb_run(struct ria_mariadb_job *job) RIA_MUST_USE;

/* Ends the handshake with a refusal. The user sees ERROR 2061 (HY000): rds-iam: text. Where TLS is
 * up the server gets an empty password and answers, so that it counts a denied login instead of a
 * broken connection. Returns what authenticate must return. */
int ria_mariadb_refuse(
    struct ria_mariadb_vio *vio, struct ria_mariadb *mysql, bool tls_is_up, const char *text);

#endif
