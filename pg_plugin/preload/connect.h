/* SPDX-License-Identifier: MIT
 *
 * What happens around one call of libpq's that begins a connection:
 *
 *   1. libpq is asked what the settings come to (probe.h)
 *   2. a password that the program has goes where it always went. So does a token, if the server is
 *      verified: a good one that somebody pasted is theirs, and need not be of our credentials. It
 *      gives way to a later one, of ours or of the passfile (an agent's), where it is over, or
 *      nearly, and where it is one of our earlier connections' (pg_restore -j keeps it): of an
 *      access key id that this process has had, or has now. The connection is begun without it
 *   3. a passfile with a fresh token for each host is laid over the connection's own (overlay.h)
 *   4. the program's call is made, with its own arguments; where there are tokens, and a ticket of
 *      Kerberos would be tried before TLS, with gssencmode=disable behind them
 *
 * A connection to a Unix socket, one to nothing that a token can be made for and one in a program
 * with more rights than its caller go through untouched.
 */
#ifndef RIA_PRELOAD_CONNECT_H
#define RIA_PRELOAD_CONNECT_H

#include "preload/call.h"
#include "preload/libpq.h"

/* The connection, or NULL as where libpq has no memory. */
struct ria_pq_conn *ria_connect(const struct ria_call *call);

/* Puts a fresh token in the place of the one that a connection keeps for its reset: libpq does not
 * read the passfile again then. A connection over which none may go loses it. */
void ria_connect_refresh(const struct ria_libpq *libpq, struct ria_pq_conn *conn);

#endif
