/* SPDX-License-Identifier: MIT
 *
 * The two halves of AWS SSO: the token of a session, and the credentials of a role that the portal
 * gives for it.
 */
#ifndef RIA_FETCH_SSO_H
#define RIA_FETCH_SSO_H

#include "fetch/fetch.h"

enum {
    /* Access tokens have about 1 KB today; HTTP servers take 8 KB of headers. */
    RIA_SSO_TOKEN_MAX = 6 * 1024
};

/* The session's token: from its file, renewed if it ends within a quarter of an hour and can be,
 * and if that fails as it is while it lives. */
bool ria_sso_token(struct ria_fetch *fetch, struct ria_buf *out, struct ria_error *err)
    RIA_MUST_USE;

#endif
