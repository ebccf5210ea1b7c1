/* SPDX-License-Identifier: MIT
 *
 * The credential chain: asks each source of a fixed table in turn, stops at the first that answers
 * FOUND or FAILED, and keeps what each one said. The order is that of AWS's Rust SDK and Common
 * Runtime. A source that is configured but broken ends the search: falling through would log in as
 * somebody else.
 */
#ifndef RIA_PROVIDER_CHAIN_H
#define RIA_PROVIDER_CHAIN_H

#include "aws/answer.h"
#include "provider/provider.h"

enum {
    RIA_TRAIL_MAX = 8
};

/* What the sources answered, in the order in which they were asked. */
struct ria_trail {
    struct ria_trail_step {
        const char *source;
        enum ria_outcome outcome;
        char text[256]; /* the source's own words; for FOUND, where the credentials are from */
    } step[RIA_TRAIL_MAX];
    size_t count;
};

/* Fills *out (RIA_ANSWER_INIT) and *trail. ABSENT: no source is configured, and err lists what
 * each of them looked for. FAILED: err is the sentence of the source that failed. */
enum ria_outcome ria_chain_find(
    const struct ria_ask *ask,
    struct ria_answer *out,
    struct ria_trail *trail,
    struct ria_error *err) RIA_MUST_USE;

#endif
