/* SPDX-License-Identifier: MIT
 *
 * What happens around one call of libpq's that begins a connection:
 *
 *   1. libpq is asked what the settings are (probe.h). What it refuses itself, it refuses with its
 * own message
 *   2. a password of the program's goes where libpq sends it. So does a token, if the server is
 *      verified and the settings are the user's own: a valid one that a user pasted need not be of
 *      our credentials. It is replaced by a later one, ours or the passfile's (an agent's), where
 * it is over, or nearly, and where it is one of our earlier connections' (pg_restore -j holds it):
 *      of an access key id that this process has had, or has now. The connection is begun without
 * it
 *   3. a passfile with a fresh token for each host is laid over the connection's own (overlay.h)
 *   4. the program's call is made, with its own arguments; where there are tokens, and a ticket of
 *      Kerberos would be tried before TLS, with gssencmode=disable behind them
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
#include "preload/call.h"

#include "interpose/library.h"

/* The connection, or NULL as where libpq has no memory. */
struct ria_pq_conn *ria_connect(const struct ria_call *call);

/* Pings. No token is sent, whatever the connection is: PQping() logs in if it can, but a server
 * that asks for a password answers it just as well. A call of the Params kind or of the string
 * kind; its name is PQping's. PQPING_NO_ATTEMPT where it cannot be told what it would send. */
unsigned ria_ping(const struct ria_call *call);

#endif
