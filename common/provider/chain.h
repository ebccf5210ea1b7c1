/* SPDX-License-Identifier: MIT
 *
 * The credential chain, in two steps. First each source of a fixed table is asked for its plan, in
 * turn, until one answers FOUND or FAILED; nothing is run and nothing asked on the network. Then
 * that plan is carried out. What each source answered is recorded. The order is that of botocore,
 * and so of the AWS CLI: `aws sts get-caller-identity` names the identity that logs in. A source
 * that is configured but broken ends the search: falling through would log in as another identity.
 */
#ifndef RIA_PROVIDER_CHAIN_H
#define RIA_PROVIDER_CHAIN_H

#include "provider/obtain.h"
#include "provider/provider.h"
#include "provider/response.h"

enum {
    RIA_TRAIL_MAX = 6 /* one step for each entry of the chain's table */
};

/* What the sources answered, in the order in which they were asked. */
struct ria_trail {
    struct ria_trail_step {
        const char *source;
        enum ria_outcome outcome;
        char text[256]; /* the source's own words; for FOUND, where the credentials are from */
    } step[RIA_TRAIL_MAX];
    size_t count;
    enum ria_origin origin; /* where FOUND */
};

/* The first step. Fills *trail and, where FOUND or FAILED, *plan (RIA_PLAN_INIT; release it in any
 * case). ABSENT: no source is configured, and err lists what each of them looked for. FAILED: err
 * is the sentence of the source that failed. */
enum ria_outcome ria_chain_plan(
    const struct ria_query *query,
    struct ria_plan *plan,
    struct ria_trail *trail,
    struct ria_error *err) RIA_MUST_USE;

/* The second, where the first said FOUND. Fills *out (RIA_RESPONSE_INIT); answers as above. */
enum ria_outcome ria_chain_carry_out(
    const struct ria_query *query,
    struct ria_plan *plan,
    struct ria_response *out,
    struct ria_trail *trail,
    struct ria_error *err) RIA_MUST_USE;

/* Both. Fills *out (RIA_RESPONSE_INIT) and *trail. */
enum ria_outcome ria_chain_find(
    const struct ria_query *query,
    struct ria_response *out,
    struct ria_trail *trail,
    struct ria_error *err) RIA_MUST_USE;

#endif
