/* SPDX-License-Identifier: MIT
 *
 * A response of rds-iam-fetch. It contains credentials with their identity, or the error, and in
 * both cases the warnings and the measured clock offset. A cache file contains the same record.
 */
#ifndef RIA_PROVIDER_RESPONSE_H
#define RIA_PROVIDER_RESPONSE_H

#include "aws/credentials.h"
#include "base/world.h"
#include "codec/record.h"

enum {
    RIA_RESPONSE_WARNINGS_MAX = 4,
};

/* The difference between this machine's clock and AWS's, measured from a response that TLS has
 * authenticated. The offset becomes invalid when the machine reboots, when the machine's clock is
 * set or slewed by 2 s or more, or when the machine sleeps for 2 s or more. */
struct ria_clock_offset {
    int64_t seconds;                /* to add to the machine's time; 0: no offset is known */
    char boot_id[RIA_BOOT_ID_SIZE]; /* the machine's boot id when the offset was measured */
    int64_t real_minus_raw;         /* struct ria_machine's real_minus_raw at the same time */
};

struct ria_response {
    enum ria_outcome outcome;
    struct ria_error err; /* the error, unless the outcome is FOUND */
    struct ria_credentials credentials;
    char identity[256]; /* an ARN, or the role and the account of an SSO source; "": not known */
    struct ria_clock_offset offset;
    char warnings[RIA_RESPONSE_WARNINGS_MAX][RIA_ERROR_TEXT_MAX];
    size_t warning_count;
    int64_t renewal; /* when the credentials are due for a renewal, seconds since 1970; 0: never.
                        Not part of the record: ria_obtain() sets it. */
};

#define RIA_RESPONSE_INIT                                                                          \
    {                                                                                              \
        .outcome = RIA_FAILED, .credentials = RIA_CREDENTIALS_INIT                                 \
    }

/* Initializes a response whose credentials use `room`. Does not write the array of warnings,
 * because it has 2 KB and is used only up to warning_count. */
void ria_response_init(struct ria_response *response, struct ria_credentials_room *room);

/* Adds a warning, which the user should read even if the request succeeded. Drops the warning if
 * the response already has RIA_RESPONSE_WARNINGS_MAX of them. */
void ria_response_warn(struct ria_response *response, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Replaces the contents of *out with the record. If the record is too long or memory runs out, sets
 * out->failed. */
void ria_response_write(const struct ria_response *response, struct ria_buf *out);

/* Reads a response into *out, which owns its copy. If the bytes are not one complete response or
 * memory runs out, releases *out and returns false. */
bool ria_response_read(const struct ria_buf *bytes, struct ria_response *out) RIA_MUST_USE;

/* Wipes the credentials and empties *response. */
void ria_response_release(struct ria_response *response);

#endif
