/* SPDX-License-Identifier: MIT
 *
 * Verification of the servers of RDS. libpq's default, sslmode=prefer, verifies nothing, and some
 * drivers set it although the user has not asked for it (ruby-pg). Under rds-iam exec, a connection
 * to RDS with sslmode=prefer or allow is therefore made with sslmode=verify-full, with the root
 * certificates of the CA store, and without Kerberos. This applies to tokens and to passwords.
 *
 * Not changed: a connection with sslmode=disable, require, verify-ca or verify-full; a connection
 * to any other host; and root certificates that the user has named or put where libpq finds them.
 */
#ifndef RIA_PRELOAD_VERIFIED_H
#define RIA_PRELOAD_VERIFIED_H

#include "preload/probe.h"

/* Why a connection is refused if ria_verified_add() fails. */
#define RIA_VERIFIED_REFUSAL                                                                       \
    "not connected: there are no root certificates to verify a server of RDS by; run: rds-iam "    \
    "setup ca"

/* Returns whether the connection must be verified and would not be. */
bool ria_verified_is_needed(const struct ria_pq_settings *settings);

/* Appends the settings that verify the server; *arguments has room for RIA_VERIFIED_ARGUMENTS more.
 * Values are static, or borrowed from the environment. Returns false, with nothing appended, if
 * neither the user nor the CA store has root certificates. */
bool ria_verified_add(const struct ria_pq_settings *settings, struct ria_arguments *arguments);

#endif
