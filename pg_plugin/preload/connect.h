/* SPDX-License-Identifier: MIT
 *
 * What happens around one call of libpq's that begins a connection:
 *
 *   1. libpq is asked what the settings are (probe.h). What it refuses, it refuses itself.
 *   2. A password of the program's goes where libpq sends it. So does a token, if the server is
 *      verified and the settings are the user's own: a valid one that a user pasted need not be of
 *      our credentials. It is replaced by a later one, ours or the passfile's (an agent's), if it
 *      is over, or nearly, or if it is one of our earlier connections' (pg_restore -j holds it):
 *      of an access key id that this process has had, or has now. The connection is then begun
 *      without it.
 *   3. A passfile with a fresh token for each host is laid over the connection's own (overlay.h).
 *   4. The program's call is made, with its own arguments; where there are tokens, and a ticket of
 *      Kerberos would be tried before TLS, with gssencmode=disable behind them.
 *
 * No token goes where one of the hosts is a Unix socket, which libpq does not encrypt whatever
 * sslmode says, and none where the settings came from a service file that another user could write.
 *
 * Where it cannot be told what a connection would send, it is not begun: the caller gets a handle
 * that libpq has refused, with our message. That is so for libpq before 10, which does not tell,
 * without memory, and where the other object is needed for the answer and cannot be loaded.
 *
 * A program with more rights than its caller calls libpq as if we were not there.
 */
#ifndef RIA_PRELOAD_CONNECT_H
#define RIA_PRELOAD_CONNECT_H

#include "preload/abi.h"
#include "preload/arguments.h"

#include "interpose/library.h"

/* The connection, or NULL as where libpq has no memory. */
struct ria_pq_conn *ria_connect(const struct ria_call *call);

/* Pings. No token is sent, whatever the connection is: PQping() logs in if it can, but a server
 * that asks for a password answers it just as well. A call of the Params kind or of the string
 * kind; its name is PQping's. PQPING_NO_ATTEMPT where it cannot be told what it would send. */
unsigned ria_ping(const struct ria_call *call);

/* Before a connection is reset (reset.c): puts a fresh token in the place of the one that it holds.
 * A connection over which none may go loses it, and so does one of which it cannot be told. */
void ria_reset_refresh(const struct ria_library *libpq, struct ria_pq_conn *conn);

#endif
