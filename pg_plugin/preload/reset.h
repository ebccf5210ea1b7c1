/* SPDX-License-Identifier: MIT
 *
 * What happens before a connection is reset. libpq sends the password that it has then, and does
 * not read the passfile again.
 */
#ifndef RIA_PRELOAD_RESET_H
#define RIA_PRELOAD_RESET_H

#include "preload/abi.h"

#include "interpose/library.h"

/* Puts a fresh token in the place of the one that a connection holds for its reset. A connection
 * over which none may go loses it, and so does one of which it cannot be told. */
void ria_reset_refresh(const struct ria_library *libpq, struct ria_pq_conn *conn);

#endif
