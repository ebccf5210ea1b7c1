/* SPDX-License-Identifier: MIT
 *
 * Dates as AWS writes them, by arithmetic on the day number. gmtime_r() is not used: it reads the
 * host's time zone file and takes its lock. Pure functions; nothing here asks a clock.
 *
 * A time is int64_t seconds since 1970-01-01T00:00:00Z, without leap seconds.
 */
#ifndef RIA_BASE_TIMESTAMP_H
#define RIA_BASE_TIMESTAMP_H

#include "base/error.h"

#include <stdint.h>

enum {
    RIA_TIMESTAMP_SIZE = 17,          /* "20260822T123456Z" and its NUL */
    RIA_DATE_LEN = 8,                 /* the date in front of it */
    RIA_TIMESTAMP_EXTENDED_SIZE = 21, /* "2026-08-22T12:34:56Z" and its NUL */
};

/* Writes the ISO 8601 basic form that SigV4 uses (X-Amz-Date). False, with the buffer untouched,
 * for a time before 1970 or after 9999. */
bool ria_timestamp_format(int64_t when, char out[RIA_TIMESTAMP_SIZE]) RIA_MUST_USE;

/* The same as the AWS CLI writes it into its files. */
bool ria_timestamp_format_extended(int64_t when, char out[RIA_TIMESTAMP_EXTENDED_SIZE])
    RIA_MUST_USE;

/* Reads RFC 3339 (2026-08-22T12:34:56Z, with fraction or +hh:mm), the same in the ISO 8601 basic
 * form (20260822T123456Z), and the "UTC" ending that botocore's file cache writes. A fraction is
 * dropped. False, with *out untouched, for anything else, also for a date in one form with a clock
 * in the other, and for a time that does not come after the start of 1970: 0 stands for "no time"
 * elsewhere.
 */
bool ria_timestamp_parse(const char *text, int64_t *out) RIA_MUST_USE;

#endif
