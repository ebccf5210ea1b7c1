/* SPDX-License-Identifier: MIT
 *
 * A session that somebody has logged in to with the AWS CLI: its token file is read, renewed while
 * it can be, and used on while it lives. What the kinds of session have in common; which tokens
 * they hold and how they ask for new ones is in sso.c and login.c.
 */
#ifndef RIA_FETCH_CLI_SESSION_H
#define RIA_FETCH_CLI_SESSION_H

#include "fetch/renewal.h"

struct ria_session_kind {
    const char *login;         /* what a person types: "aws sso login" */
    const char *expiry_parent; /* the object that "expiresAt" stands in, or NULL */
    int64_t renew_before;      /* seconds before its end */
    /* Whether it holds what the session gives; one that does not is never renewed, because what the
     * service answers could not be used and the refresh token would be spent. */
    bool (*is_whole)(const struct ria_token_file *file);
    bool (*can_be_renewed)(const struct ria_fetch *fetch, const struct ria_token_file *file);
    ria_renew *renew;
};

/* Fills *file, whose token then lives. False with a sentence that says what a person has to type,
 * or that it may be tried again. */
bool ria_session_open(
    struct ria_fetch *fetch,
    const struct ria_session_kind *kind,
    struct ria_token_file *file,
    struct ria_error *err) RIA_MUST_USE;

/* For a token file that lives and does not hold what it should. */
bool ria_session_is_damaged(
    const struct ria_fetch *fetch,
    const struct ria_session_kind *kind,
    const struct ria_token_file *file,
    struct ria_error *err);

/* Sends a request for new tokens, a POST of JSON. False unless it is answered with 200; then err
 * has RIA_E_NO_CREDENTIALS if only a person can help. `header` may be NULL. */
struct ria_session_request {
    const char *url;
    const char *host; /* for a sentence */
    const char *header;
    const struct ria_buf *body;
    const struct ria_buf *authorities; /* as of struct ria_fetch_service */
};
bool ria_session_send(
    struct ria_fetch *fetch,
    const struct ria_session_request *request,
    struct ria_http_response *response,
    struct ria_error *err) RIA_MUST_USE;

/* Writes the request's body: grantType refresh_token, and members of the token file by their
 * names. */
bool ria_session_write_request(
    const struct ria_token_file *file,
    const char *const members[],
    size_t count,
    struct ria_buf *body) RIA_MUST_USE;

#endif
