/* SPDX-License-Identifier: MIT
 *
 * Of which RDS name a name is an alias, by the CNAME records that DNS has for it.
 */
#ifndef RIA_FETCH_ALIAS_H
#define RIA_FETCH_ALIAS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Replaces *record by the answer if *bytes is a question for an alias; false if it is none. Blocks
 * as long as the system's resolver does with one second for each server; whoever asked kills. */
bool ria_fetch_response_alias(const struct ria_buf *bytes, struct ria_buf *record);

/* The first RDS name of the chain of CNAME records in a DNS message that begins at the name which
 * was asked for. False if there is none, or if the bytes are no such message. */
bool ria_fetch_alias_of(const unsigned char *message, size_t len, char *name, size_t size);

#endif
