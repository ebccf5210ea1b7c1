/* SPDX-License-Identifier: MIT
 *
 * The request that a server of the lab sends to the verifier for one login, and the result. The
 * result contains no reason, so the server cannot report a reason to its client. RDS does not
 * report a reason either. The lab's journal contains the reasons.
 *
 * Not for the product: no installed file contains this code.
 */
#ifndef RDSLAB_VERIFY_H
#define RDSLAB_VERIFY_H

#include <stddef.h>

struct rdslab_login {
    const char *resource; /* resource id of the database, such as "db-..." or "cluster-..." */
    const char *user;
    const char *token; /* need not be terminated by NUL */
    size_t token_len;
};

enum rdslab_answer {
    RDSLAB_ACCEPTED,
    RDSLAB_REFUSED,
    RDSLAB_UNREACHABLE, /* no verifier has the name, or the verifier closed the connection, sent no
                         * line or took longer than ten seconds */
};

/* Sends a request and waits for the result. Each send and each receive waits for up to ten seconds.
 * socket_name is a name in the abstract namespace, without the leading NUL. It is not a path, so a
 * long build directory cannot make it too long. Thread-safe. */
enum rdslab_answer rdslab_verify(const char *socket_name, const struct rdslab_login *login);

#endif
