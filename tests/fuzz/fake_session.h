/* SPDX-License-Identifier: MIT
 *
 * A session that somebody has logged in to: its token file is a text in memory, in place of
 * fetch/token_file.c, and a renewal goes on in this process, in place of fetch/renewal.c.
 */
#ifndef RIA_FUZZ_FAKE_SESSION_H
#define RIA_FUZZ_FAKE_SESSION_H

#include "fake_http.h"

/* Token files of SSO and of aws login whose tokens hold FUZZ_SECRET. Those that have ended can be
 * renewed. */
extern const char fuzz_sso_file[];
extern const char fuzz_sso_ended_file[];
extern const char fuzz_login_ended_file[];

/* Asks RIA_SOURCE_SSO or RIA_SOURCE_LOGIN with this token file; the input is the network's answers.
 * What must hold: that of fuzz_check(); no sentence holds a secret of the file; a file that was
 * written is JSON, holds a refresh token and has kept the members that are not ours. */
void fuzz_ask_session(enum ria_source source, const struct ria_buf *file, struct fuzz_input input);
void fuzz_ask_session_of(enum ria_source source, const char *file, struct fuzz_input input);

#endif
