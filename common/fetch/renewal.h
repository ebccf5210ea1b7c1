/* SPDX-License-Identifier: MIT
 *
 * The renewal of a token in a process of its own. The server takes the old token back when it gives
 * out the new one; whoever is killed between its answer and the file has lost the session. And
 * rds-iam-fetch is killed: at a login's deadline, and with the program that started it. So a token
 * is spent and its successor written by a process in a session of its own, which holds the file's
 * lock and ends when it is done.
 */
#ifndef RIA_FETCH_RENEWAL_H
#define RIA_FETCH_RENEWAL_H

#include "fetch/token_file.h"

/* Spends the token and writes the new one; false with err filled. */
typedef bool ria_renew(struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err);

/* Has it done while the lock is held, which the caller then gives up. FOUND: the file holds the new
 * token; FAILED: err says why not, with RIA_E_DEADLINE if it goes on without us. */
enum ria_outcome ria_renewal_run(
    struct ria_fetch *fetch, struct ria_token_file *file, ria_renew *renew, struct ria_error *err)
    RIA_MUST_USE;

#endif
