/* SPDX-License-Identifier: MIT
 *
 * The network of a fuzz target, which replaces fetch/http.c. The next piece of the input is the
 * response to the next request that rds-iam-fetch's sources send. The network also checks each
 * request.
 *
 *     200 +0                        status, and the offset of the response's Date from the clock
 *     {"Code": "Success", ...}
 *     ====
 *     503 +0
 *
 * Status 0: the server cannot be reached; 1: it is silent; 2: it closes the connection; 3: it
 * refuses the connection. After the last piece, every request gets status 0.
 */
#ifndef RIA_FUZZ_FAKE_HTTP_H
#define RIA_FUZZ_FAKE_HTTP_H

#include "fuzz.h"

#include "fake_world.h"
#include "fetch/fetch.h"

struct fuzz_network {
    struct ria_fake fake;
    struct fuzz_input responses;
    struct ria_plan plan;
    struct ria_response response;
    struct ria_fetch fetch;
};

/* Creates a network whose responses are the rest of the input, and a plan that is empty except for
 * its label. The struct must not be copied. */
void fuzz_network_open(struct fuzz_network *network, struct fuzz_input input);
void fuzz_network_close(struct fuzz_network *network);

/* Gives the plan one role, with an ARN and a region for STS, and returns the role. */
struct ria_role *fuzz_role(struct fuzz_network *network);

/* Checks an outcome. On success, the credentials must be complete, and the session token must be
 * unchanged after the credentials were written to a record and read back. Otherwise there must be a
 * message and an error code, and no secret access key. The caller checks that the message contains
 * no secret. */
void fuzz_check(
    struct fuzz_network *network,
    enum ria_outcome outcome,
    const struct ria_credentials *found,
    const struct ria_error *err);

#endif
