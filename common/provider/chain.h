/* SPDX-License-Identifier: MIT
 *
 * The credential chain, in two steps. The first step calls the providers of a fixed table in turn,
 * until one returns FOUND with a plan (aws/plan.h), or FAILED. This step runs no command and sends
 * no network request. The second step carries the plan out. The trail contains the outcome of each
 * source. The table has botocore's order, which is also the AWS CLI's, so `aws sts
 * get-caller-identity` shows the identity that logs in. A source that is configured but broken ends
 * the search, because the next source would log in as another identity.
 */
#ifndef RIA_PROVIDER_CHAIN_H
#define RIA_PROVIDER_CHAIN_H

#include "provider/obtain.h"
#include "provider/provider.h"
#include "provider/response.h"

enum {
    RIA_TRAIL_MAX = 6 /* one step for each entry of the chain's table */
};

/* The outcome of each source, in the order in which the chain tried them. */
struct ria_trail {
    struct ria_trail_step {
        const char *source;
        enum ria_outcome outcome;
        char text[256]; /* the source's message; if FOUND, where the credentials come from */
    } step[RIA_TRAIL_MAX];
    size_t count;
    enum ria_origin origin; /* where the credentials were read or obtained; set if FOUND */
};

/* Runs the first step. Fills *trail and, if FOUND or FAILED, *plan. The caller initializes *plan
 * with RIA_PLAN_INIT and releases it whatever the outcome. ABSENT: no source is configured, and err
 * lists each source with the setting that it looked for. FAILED: err is the message of the source
 * that failed, or RIA_E_DEADLINE if the time ran out. */
enum ria_outcome ria_chain_plan(
    const struct ria_query *query,
    struct ria_plan *plan,
    struct ria_trail *trail,
    struct ria_error *err) RIA_MUST_USE;

/* Runs the second step, after ria_chain_plan() returned FOUND. Fills *out, which the caller
 * initializes with RIA_RESPONSE_INIT and releases. Returns FOUND or FAILED, or ABSENT if the plan's
 * source is instance metadata and returns no credentials. If ABSENT, err lists all sources, as in
 * ria_chain_plan(). Blocks until query->deadline at most. */
enum ria_outcome ria_chain_carry_out(
    const struct ria_query *query,
    struct ria_plan *plan,
    struct ria_response *out,
    struct ria_trail *trail,
    struct ria_error *err) RIA_MUST_USE;

/* Runs both steps, or uses the copy of an earlier result for an equal query
 * (provider/chain_copy.h). Fills *out (initialized with RIA_RESPONSE_INIT) and *trail; the trail of
 * a copy has no steps. */
enum ria_outcome ria_chain_find(
    const struct ria_query *query,
    struct ria_response *out,
    struct ria_trail *trail,
    struct ria_error *err) RIA_MUST_USE;

#endif
