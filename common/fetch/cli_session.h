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

/* How a kind of session gets new tokens: a POST of JSON with grantType refresh_token. */
struct ria_session_renewal {
    const char *name; /* of the service, for sentences */
    enum ria_service service;
    enum ria_plan_value region;
    const char *path;
    const char *const *members; /* of the token file, which the request has under their names */
    size_t member_count;
    /* Writes a header that proves whose the session is; NULL: there is none. */
    bool (*prove)(
        const struct ria_fetch *fetch,
        const struct ria_token_file *file,
        const char *url,
        struct ria_buf *header,
        struct ria_error *err);
    /* Puts what was answered into file->document. False: it is not an answer of this service. */
    bool (*take_tokens)(
        const struct ria_fetch *fetch,
        const struct ria_http_response *response,
        struct ria_token_file *file);
};

/* Gets new tokens and replaces the file: what a ria_renew does. False unless the service answers
 * with 200; then err has RIA_E_NO_CREDENTIALS if only a person can help. */
bool ria_session_renew(
    struct ria_fetch *fetch,
    struct ria_token_file *file,
    const struct ria_session_renewal *how,
    struct ria_error *err) RIA_MUST_USE;

#endif
