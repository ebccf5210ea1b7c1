/* SPDX-License-Identifier: MIT
 *
 * Amazon's bundles of the root certificates of RDS. Three partitions (aws, aws-us-gov and aws-cn)
 * have one bundle each. ria_trust_bundle_url() returns the URL of a bundle. The other functions
 * write and read the records (codec/record.h) with which a process asks rds-iam-fetch to download a
 * bundle, and with which rds-iam-fetch responds.
 *
 * Follows "Using SSL/TLS to encrypt a connection to a DB instance or cluster" in the RDS User
 * Guide, and the same page for AWS GovCloud and for the regions of China.
 */
#ifndef RIA_PROVIDER_TRUST_BUNDLE_H
#define RIA_PROVIDER_TRUST_BUNDLE_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

/* Returns the URL of the bundle of a partition ("aws", "aws-us-gov" or "aws-cn"). The text is
 * static. Returns NULL for any other partition. */
const char *ria_trust_bundle_url(const char *partition);

/* A request to download one partition's bundle within `budget` milliseconds. */
struct ria_trust_bundle_request {
    char partition[32];
    int64_t budget;
};

/* Writes a request as a record. If the record is too long or memory runs out, sets out->failed. */
void ria_trust_bundle_write_request(
    const struct ria_trust_bundle_request *request, struct ria_buf *out);

/* Reads a request. Returns false if the bytes are not one complete request with a known partition
 * and a budget above 0. */
bool ria_trust_bundle_read_request(
    const struct ria_buf *bytes, struct ria_trust_bundle_request *out) RIA_MUST_USE;

/* Writes the response as a record: the downloaded bytes, or *err if `pem` is NULL because the
 * download failed. If the record is too long or memory runs out, sets out->failed. */
void ria_trust_bundle_write_response(
    const struct ria_buf *pem, const struct ria_error *err, struct ria_buf *out);

/* Reads a response and appends the downloaded bytes to *pem. Returns false with err filled if the
 * download failed, if the bytes are not one complete response, or if the downloaded bytes do not
 * fit in *pem. */
bool ria_trust_bundle_read_response(
    const struct ria_buf *bytes, struct ria_buf *pem, struct ria_error *err) RIA_MUST_USE;

#endif
