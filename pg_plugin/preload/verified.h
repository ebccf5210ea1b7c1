/* SPDX-License-Identifier: MIT
 *
 * Makes libpq verify RDS servers. libpq's default, sslmode=prefer, verifies no server, and some
 * drivers (ruby-pg) pass sslmode=prefer although the user has not set it. So under rds-iam exec, a
 * connection to RDS with sslmode=prefer or allow is made with sslmode=verify-full, with the root
 * certificates of the CA store (the files that `rds-iam setup ca` installs), and without Kerberos
 * encryption. If rds-iam's configuration has tls = verify-ca for every host of the connection, the
 * connection is made with sslmode=verify-ca instead. If the program itself sets sslmode=verify-full
 * or verify-ca, and the user has no root certificates, the preload only adds the root certificates
 * of the CA store. A connection with verify-ca never gets the public roots. All of this applies to
 * connections that send tokens and to connections that send passwords.
 *
 * psqlodbc passes sslmode=disable if neither the connection string nor the data source contains
 * SSLmode. It passes the same value if the user has written SSLmode=disable. So sslmode=disable
 * from psqlodbc counts as prefer if the connection has no password. Such a connection could not
 * succeed without TLS anyway, because no token is sent without TLS.
 *
 * The preload does not change any other connection with sslmode=disable or require, or a connection
 * with a host that is not an RDS host. It does not replace root certificates that the user has
 * named (sslrootcert) or put into ~/.postgresql/root.crt.
 */
#ifndef RIA_PRELOAD_VERIFIED_H
#define RIA_PRELOAD_VERIFIED_H

#include "preload/probe.h"

#include "base/messages.h"

/* The reason for refusing a connection if ria_verified_add() returns false. */
#define RIA_VERIFIED_REFUSAL "not connected: " RIA_REFUSAL_NO_ROOTS

/* Returns which root certificates ria_verified_add() must use for the connection. Returns
 * RIA_PQ_CA_NONE if the connection must not be changed: none of the rules above applies to its
 * settings, or one of its hosts is not an RDS host. An RDS host is an RDS endpoint, or a host that
 * rds-iam's configuration maps to an RDS endpoint. `caller` has the same meaning as in struct
 * ria_call, and shows whether psqlodbc makes the call. May run a query (query.h). */
enum ria_pq_ca ria_verified_ca(const struct ria_pq_settings *settings, const void *caller);

/* Appends the settings that verify the server with root certificates of this kind, which is not
 * RIA_PQ_CA_NONE; *arguments has room for RIA_VERIFIED_ARGUMENTS more. The values are static or
 * borrowed from the environment. Returns false, without appending anything, if verification must be
 * turned on but neither the user nor the CA store has root certificates. */
bool ria_verified_add(
    const struct ria_pq_settings *settings,
    const void *caller,
    enum ria_pq_ca ca,
    struct ria_arguments *arguments);

#endif
