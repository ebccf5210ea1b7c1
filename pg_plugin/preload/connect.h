/* SPDX-License-Identifier: MIT
 *
 * The decisions around each interposed call of libpq that begins a connection, pings, or resets.
 *
 * A connection is begun in this order:
 *
 *   1. ria_connect() asks libpq how it resolves the settings (probe.h). If libpq refuses the
 *      settings, the program gets that refused handle, with libpq's own message.
 *   2. If the connection must be verified but its settings do not require it, the settings of
 *      verified.h are appended, and libpq resolves the settings again.
 *   3. A password that is not a token is sent as it would be without the preload. This applies to
 *      a password that the program gives, and to one that its passfile contains for the
 *      connection's only host.
 *   4. A token that the program gives as its password is sent only to a verified server, and only
 *      if no other user can write the service file that the settings came from. A valid token that
 *      a user pasted may belong to another identity. So a given token is replaced only by a later
 *      token, which the preload made or found in the passfile (such as an agent's token), or by a
 *      password that the passfile has for the first host. The given token is replaced in only
 *      three cases: it has less than a minute left; this process has had tokens with its access
 *      key id; or the later token has its access key id. The last two cases occur when a program
 *      reuses the token of an earlier connection, as pg_restore -j does. If the given token is
 *      replaced or must not be sent, the connection is begun with the same settings and an empty
 *      password, so libpq reads the passfile.
 *   5. In all other cases, and for the replacement of step 4, rds-iam-pq-token.so makes a passfile
 *      in memory, with a fresh token for each host for which a token may be sent and can be made.
 *      While libpq connects, the path of its passfile is redirected to this file (overlay.h).
 *   6. Unless step 2 or step 4 has changed the arguments, the program's call is made with its own
 *      arguments. If the connection has tokens and libpq would try a Kerberos ticket before TLS,
 *      gssencmode=disable is appended.
 *
 * In two more cases, the connection is begun without any token: one of the hosts is a Unix socket,
 * which libpq never encrypts; or another user could write the service file that the settings came
 * from.
 *
 * If the preload cannot determine what a connection would send, it does not begin the connection,
 * and the program gets a handle that libpq has refused, with the preload's message. There are three
 * such cases: libpq is older than 10 and does not report its settings; memory runs out; or the
 * decision needs rds-iam-pq-token.so, and this object cannot be loaded. A connection that must be
 * verified is refused in the same way if there are no root certificates (verified.h).
 *
 * In a program that runs with more rights than its caller (AT_SECURE), ria_connect() and ria_ping()
 * only call libpq, as if the preload were not loaded, and ria_reset_refresh() does nothing.
 */
#ifndef RIA_PRELOAD_CONNECT_H
#define RIA_PRELOAD_CONNECT_H

#include "preload/abi.h"
#include "preload/arguments.h"

#include "interpose/library.h"

/* Begins the connection that `call` describes, as PQconnectdb() or PQconnectStart() does. Returns
 * libpq's handle, owned by the caller; it may be the handle of a connection that libpq has refused.
 * Returns NULL in two cases: libpq returns NULL because memory runs out, or the copy of libpq that
 * the call is meant for is not found or does not have the function. Blocks as the called function
 * does, and up to 10 s more for tokens. May be called from any thread. */
struct ria_pq_conn *ria_connect(const struct ria_call *call);

/* Pings the server of `call`, which is a call of PQping() or PQpingParams(). libpq's ping logs in
 * if it can, but the ping has succeeded as soon as the server asks for a password. So no token is
 * sent, not even to a verified server: a token that the program gives is removed, and the passfile
 * is hidden. Passwords that the program gives are sent. Returns libpq's PGPing; PQPING_NO_ATTEMPT
 * if the preload cannot determine what the ping would send. */
unsigned ria_ping(const struct ria_call *call);

/* Call it before PQreset() or PQresetStart(). If the password that the connection stores is a
 * token, this function overwrites it with a later token, under the conditions of reset.c. It wipes
 * the token if no token may be sent over the connection, or if the connection's settings are not
 * known. `conn` is libpq's handle and may be NULL. May block for 10 s. */
void ria_reset_refresh(const struct ria_library *libpq, struct ria_pq_conn *conn);

#endif
