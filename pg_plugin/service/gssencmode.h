/* SPDX-License-Identifier: MIT
 *
 * The rule for GSS encryption before TLS. If the user has a Kerberos ticket, libpq 12 and later
 * offers the server GSS encryption before it asks for TLS, whatever sslmode is. A server that
 * accepts the offer shows no certificate. gssencmode=disable turns the offer off. libpq 10 and 11
 * and pgx do not have this encryption, and fail if an entry has the key. So an entry without the
 * key is accepted, with a warning.
 *
 * Follows pqConnectOptions2() and PQconnectPoll() in fe-connect.c, PostgreSQL 12 to 18. Only this
 * file contains the rule and its messages. This file needs only libc, because the preload object,
 * librds-iam-pq.so, includes it.
 */
#ifndef RIA_SERVICE_GSSENCMODE_H
#define RIA_SERVICE_GSSENCMODE_H

#include <stdbool.h>
#include <string.h>

/* The part of a message that states what is wrong. In the message, a setting and a colon precede
 * this part, and a remedy, which depends on the setting, follows it. */
#define RIA_GSSENCMODE_DANGER                                                                      \
    "with a Kerberos ticket, libpq 12 and later tries GSS encryption before TLS, so the token "    \
    "could go to a server that has shown no certificate"

#define RIA_GSSENCMODE_REMEDY                                                                      \
    "add gssencmode=disable, but not for libpq 10, libpq 11 or pgx, which reject this key"

/* Returns true if gssencmode=`mode` requests or allows GSS encryption. NULL: the key is not set,
 * and libpq's default applies. The function returns false in this case. */
static inline bool ria_gssencmode_allows(const char *mode)
{
    return mode != NULL && strcmp(mode, "disable") != 0;
}

#endif
