/* SPDX-License-Identifier: MIT
 *
 * The identity of AWS keys, as STS reports it, and the difference between this machine's clock and
 * AWS's. A request for an identity is a plan (provider/request.h) that contains the keys, no role,
 * and RIA_PLAN_IDENTITY_REGION. This header declares the response, as a record (codec/record.h).
 *
 * Follows GetCallerIdentity of the STS API 2011-06-15, which needs no permission.
 */
#ifndef RIA_PROVIDER_IDENTITY_RECORD_H
#define RIA_PROVIDER_IDENTITY_RECORD_H

#include "aws/identity.h"
#include "base/buf.h"
#include "base/error.h"

/* Replaces the contents of *out with the record. If `err` is NULL, the record contains *identity.
 * Otherwise it contains *err, and the difference of the clocks if *identity contains it: a refusal
 * by STS also contains STS's time. If memory runs out, sets out->failed. */
void ria_identity_write(
    const struct ria_identity *identity, const struct ria_error *err, struct ria_buf *out);

/* Reads a response into *out. Returns false with err filled if STS did not report the identity; the
 * difference of the clocks may nevertheless be in *out. Also returns false with err filled if the
 * bytes are not one complete response; in this case *out must not be used. */
bool ria_identity_read(const struct ria_buf *bytes, struct ria_identity *out, struct ria_error *err)
    RIA_MUST_USE;

#endif
