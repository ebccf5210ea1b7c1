/* SPDX-License-Identifier: MIT
 *
 * Verifies RDS servers. libpq's default, sslmode=prefer, verifies no server, and some drivers
 * (ruby-pg) pass sslmode=prefer although the user has not set it. So under rds-iam exec, a
 * connection to RDS with sslmode=prefer or allow is made with sslmode=verify-full, with the root
 * certificates of the CA store, and without Kerberos encryption. This applies to connections that
 * send tokens and to connections that send passwords.
 *
 * Not changed: a connection with sslmode=disable, require, verify-ca or verify-full; a connection
 * with a host that is not an RDS host; and root certificates that the user has named (sslrootcert)
 * or put into ~/.postgresql/root.crt.
 */
#ifndef RIA_PRELOAD_VERIFIED_H
#define RIA_PRELOAD_VERIFIED_H

#include "preload/probe.h"

/* The reason for refusing a connection if ria_verified_add() returns false. */
#define RIA_VERIFIED_REFUSAL                                                                       \
    "not connected: no root certificates for RDS servers were found; run: rds-iam setup ca"

/* Returns true if ria_verified_add() must change the connection: sslmode is prefer or allow, and
 * every host is an RDS endpoint or is mapped to one by rds-iam's configuration. May run a query
 * (query.h). */
bool ria_verified_is_needed(const struct ria_pq_settings *settings);

/* Appends the settings that verify the server; *arguments has room for RIA_VERIFIED_ARGUMENTS more.
 * The values are static or borrowed from the environment. Returns false, with nothing appended, if
 * neither the user nor the CA store has root certificates. */
bool ria_verified_add(const struct ria_pq_settings *settings, struct ria_arguments *arguments);

#endif
