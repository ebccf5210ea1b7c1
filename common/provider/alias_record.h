/* SPDX-License-Identifier: MIT
 *
 * The DNS alias request to rds-iam-fetch, and its response. The request contains a name that is not
 * an RDS endpoint. The response contains the RDS endpoint that the name is an alias (CNAME) of.
 * rds-iam only shows this endpoint to the user. rds-iam signs no token for this endpoint, because
 * DNS responses can be forged.
 */
#ifndef RIA_PROVIDER_ALIAS_RECORD_H
#define RIA_PROVIDER_ALIAS_RECORD_H

#include "aws/endpoint.h"
#include "base/buf.h"

/* Each write function replaces the contents of *out with a record. If the record is too long or
 * memory runs out, the function sets out->failed. Each read function copies the name, and returns
 * false if the bytes are not a record of its kind. A response with the name "" means that the
 * requested name is not an alias of an RDS endpoint, or that the DNS query failed. */
void ria_alias_write_request(const char *host, struct ria_buf *out);
bool ria_alias_read_request(const struct ria_buf *bytes, char host[RIA_HOST_SIZE]) RIA_MUST_USE;
void ria_alias_write_response(const char *name, struct ria_buf *out);
bool ria_alias_read_response(const struct ria_buf *bytes, char name[RIA_HOST_SIZE]) RIA_MUST_USE;

#endif
