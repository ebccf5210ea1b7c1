/* SPDX-License-Identifier: MIT
 *
 * The network of a target: each request that rds-iam-fetch's sources send is answered by the next
 * piece of the input, in place of fetch/http.c. It looks at the requests, too.
 *
 *     200 +0                        status, and how far the answer's Date is from the clock
 *     {"Code": "Success", ...}
 *     ====
 *     503 +0
 *
 * Status 0: nobody is there; 1: silence; 2: broken off; 3: refused. So it is after the last piece.
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

/* A network whose answers are the rest of the input, and a plan that is empty but for STS's region.
 * The struct must not be copied. */
void fuzz_network_open(struct fuzz_network *network, struct fuzz_input input);
void fuzz_network_close(struct fuzz_network *network);

/* The first role of the plan. */
struct ria_role *fuzz_role(struct fuzz_network *network);

/* What must hold of an outcome: credentials are whole, and come out of a record as they went in; or
 * there is a sentence, without a secret, and no credentials. */
void fuzz_check(
    struct fuzz_network *network,
    enum ria_outcome outcome,
    const struct ria_credentials *found,
    const struct ria_error *err);

#endif
