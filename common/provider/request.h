/* SPDX-License-Identifier: MIT
 *
 * What rds-iam-fetch is asked: to carry out a plan within a time, and to keep the result in a cache
 * file.
 */
#ifndef RIA_PROVIDER_REQUEST_H
#define RIA_PROVIDER_REQUEST_H

#include "aws/plan.h"
#include "base/buf.h"

struct ria_request {
    struct ria_plan plan;
    int64_t budget;              /* milliseconds from now */
    const char *cache_directory; /* NULL: nothing is kept */
    const char *cache_name;      /* ria_cache_name() */
};

#define RIA_REQUEST_INIT                                                                           \
    {                                                                                              \
        .plan = RIA_PLAN_INIT                                                                      \
    }

/* Replaces what *out holds by the record. */
bool ria_request_write(
    const struct ria_plan *plan,
    int64_t budget,
    const char *cache_directory,
    const char *cache_name,
    struct ria_buf *out,
    struct ria_error *err) RIA_MUST_USE;

/* Reads one; *out borrows from the bytes. False for anything that is no whole question. */
bool ria_request_read(const struct ria_buf *bytes, struct ria_request *out) RIA_MUST_USE;

void ria_request_release(struct ria_request *request);

#endif
