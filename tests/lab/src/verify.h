/* SPDX-License-Identifier: MIT
 *
 * The question that a server of the lab asks about one login, and the verifier's answer. The
 * answer has no reason: what a server does not know it cannot tell its client, as on RDS. The
 * reasons are in the lab's journal.
 *
 * Not for the product: nothing here is built into anything that is installed.
 */
#ifndef RDSLAB_VERIFY_H
#define RDSLAB_VERIFY_H

#include <stddef.h>

struct rdslab_login {
    const char *resource; /* resource id of the database, "db-..." or "cluster-..." */
    const char *user;
    const char *token; /* need not end in NUL */
    size_t token_len;
};

enum rdslab_answer {
    RDSLAB_ACCEPTED,
    RDSLAB_REFUSED,
    RDSLAB_UNREACHABLE, /* no verifier, or it hung up or took longer than ten seconds */
};

/* Blocks. socket_name is in the abstract namespace, given without the leading NUL; it is no path,
 * so a long build directory cannot make it too long. Threads may call at once. */
enum rdslab_answer rdslab_verify(const char *socket_name, const struct rdslab_login *login);

#endif
