/* SPDX-License-Identifier: MIT
 *
 * Runs the renewal of a token in a child process that survives rds-iam-fetch. The server
 * invalidates the old refresh token when it issues the new one. A process that is killed after it
 * has received the response, and before it has written the token file, loses the session.
 * rds-iam-fetch is killed at the deadline of a login, and when its caller ends. Therefore a child
 * process in its own session (setsid) sends the request and writes the file. The child holds the
 * file's lock until it has written the file, and then exits.
 */
#ifndef RIA_FETCH_RENEWAL_H
#define RIA_FETCH_RENEWAL_H

#include "fetch/token_file.h"

/* Sends the old refresh token to the server and writes the new tokens to the file. Returns false
 * with err filled on failure. */
typedef bool ria_renew(struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err);

/* Runs renew() in a child process and waits for the child until the deadline. The caller must hold
 * the file's lock (ria_token_file_lock()), and afterwards closes its descriptor
 * (ria_token_file_release()). The child inherits the lock: if it is still running, the file stays
 * locked until the child exits. Returns FOUND if the file contains the new token, or FAILED with
 * err filled with the child's error or the error of this function. If the child gave its result or
 * ended before the deadline, the function waits until the child has ended, and reaps it. Otherwise
 * the error code is RIA_E_DEADLINE, and the child may still be running. The child's own error can
 * have this code too, for example if the server does not respond. If the child cannot be started,
 * the error code is RIA_E_SYSTEM. */
enum ria_outcome ria_renewal_run(
    struct ria_fetch *fetch, struct ria_token_file *file, ria_renew *renew, struct ria_error *err)
    RIA_MUST_USE;

#endif
