/* SPDX-License-Identifier: MIT
 *
 * What rds-iam-fetch is asked about a name that is no RDS name: which RDS name does DNS say that it
 * is an alias of? The answer is for a person to read. Whoever answers DNS can say anything, so no
 * token is ever signed for it.
 */
#ifndef RIA_AWS_ALIAS_H
#define RIA_AWS_ALIAS_H

#include "aws/endpoint.h"
#include "base/buf.h"

/* Questions and answers as records. Failures to write are remembered by the buffer; false for
 * bytes that are no such record. An answer without a name is "". */
void ria_alias_write_request(const char *host, struct ria_buf *out);
bool ria_alias_read_request(const struct ria_buf *bytes, char host[RIA_HOST_SIZE]) RIA_MUST_USE;
void ria_alias_write_response(const char *name, struct ria_buf *out);
bool ria_alias_read_response(const struct ria_buf *bytes, char name[RIA_HOST_SIZE]) RIA_MUST_USE;

#endif
