/* SPDX-License-Identifier: MIT
 *
 * What rds-iam-fetch answers, and what a cache file holds: credentials with their identity, or the
 * reason why there are none, and what was learned on the way. One record for both.
 */
#ifndef RIA_PROVIDER_RESPONSE_H
#define RIA_PROVIDER_RESPONSE_H

#include "aws/credentials.h"
#include "base/world.h"
#include "codec/record.h"

enum {
    RIA_RESPONSE_WARNINGS_MAX = 4,
};

/* How far this machine's clock is from AWS's, learned from an answer that TLS vouches for. It holds
 * for as long as the machine stays up and nobody sets its clock. */
struct ria_clock_offset {
    int64_t seconds; /* to add to the machine's time; 0: none is known */
    char boot_id[RIA_BOOT_ID_SIZE];
    int64_t real_minus_raw; /* as of struct ria_host */
};

struct ria_response {
    enum ria_outcome outcome;
    struct ria_error err; /* unless FOUND */
    struct ria_credentials credentials;
    char identity[256]; /* an ARN where the source tells it, else "" */
    struct ria_clock_offset offset;
    char warnings[RIA_RESPONSE_WARNINGS_MAX][RIA_ERROR_TEXT_MAX];
    size_t warning_count;
};

#define RIA_RESPONSE_INIT                                                                          \
    {                                                                                              \
        .outcome = RIA_FAILED, .credentials = RIA_CREDENTIALS_INIT                                 \
    }

/* A sentence that the user should read although it worked; beyond the fourth they are dropped. */
void ria_response_warn(struct ria_response *response, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Replaces what *out holds by the record. Failures are remembered by the buffer. */
void ria_response_write(const struct ria_response *response, struct ria_buf *out);

/* Reads one. False, with *out released, for anything that is no whole answer. */
bool ria_response_read(const struct ria_buf *bytes, struct ria_response *out) RIA_MUST_USE;

void ria_response_release(struct ria_response *response);

#endif
