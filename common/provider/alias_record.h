/* SPDX-License-Identifier: MIT
 *
 * The DNS alias request to rds-iam-fetch, and its response. The request contains a name that is not
 * an RDS endpoint. The response contains the RDS endpoint that the name is an alias (CNAME) of. The
 * response is shown to the user only. DNS responses can be forged, so no token is ever signed for
 * it.
 */
#ifndef RIA_AWS_ALIAS_H
#define RIA_AWS_ALIAS_H

#include "aws/endpoint.h"
#include "base/buf.h"

/* Each write function replaces the contents of *out with a record; a failure is left in the buffer
 * (out->failed). Each read function copies the name and returns false if the bytes are not such a
 * record. A response with the name "" means that DNS reports no alias. */
void ria_alias_write_request(const char *host, struct ria_buf *out);
bool ria_alias_read_request(const struct ria_buf *bytes, char host[RIA_HOST_SIZE]) RIA_MUST_USE;
void ria_alias_write_response(const char *name, struct ria_buf *out);
bool ria_alias_read_response(const struct ria_buf *bytes, char name[RIA_HOST_SIZE]) RIA_MUST_USE;

#endif
