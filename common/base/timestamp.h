/* SPDX-License-Identifier: MIT
 *
 * Formats and parses dates as AWS writes them, by arithmetic on the day number. gmtime_r() is not
 * used, because it reads the host's time zone file and takes a lock of the C library. All functions
 * are pure: they read no clock.
 *
 * A time is an int64_t: seconds since 1970-01-01T00:00:00Z, without leap seconds.
 */
#ifndef RIA_BASE_TIMESTAMP_H
#define RIA_BASE_TIMESTAMP_H

#include "base/error.h"

#include <stdint.h>

enum {
    RIA_TIMESTAMP_SIZE = 17,          /* "20260822T123456Z" and its NUL */
    RIA_DATE_LEN = 8,                 /* length of the date in this form: "20260822" */
    RIA_TIMESTAMP_EXTENDED_SIZE = 21, /* "2026-08-22T12:34:56Z" and its NUL */
};

/* Writes a time in the ISO 8601 basic form, which SigV4 uses (X-Amz-Date). Returns false, with the
 * buffer untouched, for a time before 1970 or after 9999. */
bool ria_timestamp_format(int64_t when, char out[RIA_TIMESTAMP_SIZE]) RIA_MUST_USE;

/* Like ria_timestamp_format(), in the extended form, which the AWS CLI writes to its files. */
bool ria_timestamp_format_extended(int64_t when, char out[RIA_TIMESTAMP_EXTENDED_SIZE])
    RIA_MUST_USE;

/* Parses a time in RFC 3339 form (2026-08-22T12:34:56Z, or with a fraction or +hh:mm) or in the ISO
 * 8601 basic form (20260822T123456Z). Instead of Z, the text may end in "UTC", as in botocore's
 * file cache. A fraction of a second is dropped. Returns false, with *out untouched, for any other
 * text. A text that mixes the two forms is rejected. A time at or before the start of 1970 is also
 * rejected, because callers store 0 for "no time". */
bool ria_timestamp_parse(const char *text, int64_t *out) RIA_MUST_USE;

#endif
