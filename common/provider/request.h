/* SPDX-License-Identifier: MIT
 *
 * A request to rds-iam-fetch: carry out a plan (aws/plan.h) within a time limit, and store the
 * result in a cache file, if the request names one. A plan can also contain a question to AWS in
 * place of a search for credentials (RIA_PLAN_QUESTION, RIA_PLAN_IDENTITY_REGION).
 */
#ifndef RIA_PROVIDER_REQUEST_H
#define RIA_PROVIDER_REQUEST_H

#include "aws/plan.h"
#include "base/buf.h"

struct ria_request {
    struct ria_plan plan;
    int64_t budget; /* time limit in milliseconds, from the moment when rds-iam-fetch has received
                       the request */
    const char *cache_directory; /* NULL: the result is not stored */
    const char *cache_name;      /* made by ria_cache_name(); NULL if cache_directory is NULL */
};

#define RIA_REQUEST_INIT                                                                           \
    {                                                                                              \
        .plan = RIA_PLAN_INIT                                                                      \
    }

/* Replaces the contents of *out with the record of a request. cache_directory may be NULL; in this
 * case cache_name is not used. Returns false with err filled if the record exceeds RIA_RECORD_MAX
 * or memory runs out. */
bool ria_request_write(
    const struct ria_plan *plan,
    int64_t budget,
    const char *cache_directory,
    const char *cache_name,
    struct ria_buf *out,
    struct ria_error *err) RIA_MUST_USE;

/* Reads a request. The caller initializes *out with RIA_REQUEST_INIT and releases it. *out borrows
 * from `bytes`. Returns false if the bytes are not one complete request, or if memory runs out. */
bool ria_request_read(const struct ria_buf *bytes, struct ria_request *out) RIA_MUST_USE;

/* Wipes the keys and frees what the request owns. */
void ria_request_release(struct ria_request *request);

#endif
