/* SPDX-License-Identifier: MIT
 *
 * Finds the RDS name that a host name is an alias of, by the CNAME records in DNS.
 */
#ifndef RIA_FETCH_DNS_H
#define RIA_FETCH_DNS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Handles an alias request (provider/alias_record.h). Returns false if *bytes is not an alias
 * request. Otherwise replaces *record by the response and returns true. Blocks while the system's
 * resolver queries DNS, with a timeout of one second for each query to a name server. The program
 * that started rds-iam-fetch kills rds-iam-fetch at its own deadline. */
bool ria_fetch_response_alias(const struct ria_buf *bytes, struct ria_buf *record);

/* Follows the CNAME records of a DNS message from the queried name and copies the first RDS name to
 * `name`. Returns false if the chain contains no RDS name, if the name does not fit, or if the
 * bytes are not a DNS message. */
bool ria_fetch_alias_of(const unsigned char *message, size_t len, char *name, size_t size);

#endif
