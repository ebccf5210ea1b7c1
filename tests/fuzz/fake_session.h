/* SPDX-License-Identifier: MIT
 *
 * A session to which the user has logged in. Its token file is a text in memory instead of a file
 * that fetch/token_file.c reads. A renewal runs in this process instead of in fetch/renewal.c. */
#ifndef RIA_FUZZ_FAKE_SESSION_H
#define RIA_FUZZ_FAKE_SESSION_H

#include "fake_http.h"

/* Token files of SSO and of aws login, whose tokens contain FUZZ_SECRET. The expired ones can be
 * renewed. */
extern const char fuzz_sso_file[];
extern const char fuzz_sso_expired_file[];
extern const char fuzz_login_expired_file[];

/* Gets credentials from RIA_SOURCE_SSO or RIA_SOURCE_LOGIN with this token file; the input is the
 * network's responses. Checks the outcome with fuzz_check(). No message may contain a secret of the
 * file, unless a response contains "error" or "message". A file that was written must be JSON,
 * contain the renewed member, and have all members unchanged except accessToken, refreshToken and
 * expiresAt. */
void fuzz_ask_session(enum ria_source source, const struct ria_buf *file, struct fuzz_input input);
void fuzz_ask_session_of(enum ria_source source, const char *file, struct fuzz_input input);

#endif
