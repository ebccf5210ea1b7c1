/* SPDX-License-Identifier: MIT
 *
 * GSS encryption before TLS. With a Kerberos ticket libpq 12 and later offers the server GSS
 * encryption before it asks for TLS, whatever sslmode says, and a server that takes the offer shows
 * no certificate. gssencmode=disable forbids it. libpq 10 and 11 and pgx have no such encryption
 * and refuse the key, so an entry without it gets a warning only.
 *
 * Follows pqConnectOptions2() and PQconnectPoll() in fe-connect.c, PostgreSQL 12 to 18. Nothing
 * else of ours decides it or says why. Needs libc alone, for the preload's first object.
 */
#ifndef RIA_SERVICE_GSSENCMODE_H
#define RIA_SERVICE_GSSENCMODE_H

#include <stdbool.h>
#include <string.h>

/* What is wrong, behind the setting and a colon; the remedy differs. */
#define RIA_GSSENCMODE_DANGER                                                                      \
    "with a Kerberos ticket libpq 12 and later tries GSS encryption before TLS, and the token "    \
    "goes to a server that showed no certificate"

#define RIA_GSSENCMODE_REMEDY                                                                      \
    "add gssencmode=disable, but not for libpq 10 and 11 and pgx, which refuse it"

/* Whether a setting asks for it or allows it. NULL: not set; what that means is libpq's. */
static inline bool ria_gssencmode_allows(const char *mode)
{
    return mode != NULL && strcmp(mode, "disable") != 0;
}

#endif
