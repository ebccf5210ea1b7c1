/* SPDX-License-Identifier: MIT
 *
 * A session that the user has started with `aws sso login` or `aws login`. The session's tokens are
 * in a token file. ria_session_open() reads the token file and renews the tokens before they
 * expire. If a token cannot be renewed, ria_session_open() uses the old token until the old token
 * expires. The functions of this header serve both kinds of session. sso.c and login.c contain what
 * differs: the format of the tokens and of the requests.
 */
#ifndef RIA_FETCH_CLI_SESSION_H
#define RIA_FETCH_CLI_SESSION_H

#include "fetch/renewal.h"

struct ria_session_kind {
    const char *login;         /* the command that starts a session: "aws sso login" */
    const char *expiry_parent; /* the JSON object that contains "expiresAt"; NULL: the root */
    int64_t renew_before;      /* renew a token that expires within this number of seconds */
    /* Returns whether the file has all members that the session needs. The tokens of any other file
     * are never renewed: the old refresh token becomes invalid when the service responds, and the
     * response could not be stored in such a file. */
    bool (*is_whole)(const struct ria_token_file *file);
    /* Returns whether the file contains everything that a renewal needs. */
    bool (*can_be_renewed)(const struct ria_fetch *fetch, const struct ria_token_file *file);
    /* Renews the tokens; runs in a child process (renewal.h). */
    ria_renew *renew;
};

/* Reads the token file into *file and renews its tokens if they expire soon. Returns true if the
 * token has not expired. Otherwise returns false with err filled; the message names the command to
 * run, names what to change, or tells the user to try again. May block until the deadline. */
bool ria_session_open(
    struct ria_fetch *fetch,
    const struct ria_session_kind *kind,
    struct ria_token_file *file,
    struct ria_error *err) RIA_MUST_USE;

/* Fills err for a token file in which a member is missing or invalid. Returns false. */
bool ria_session_is_damaged(
    const struct ria_fetch *fetch,
    const struct ria_session_kind *kind,
    const struct ria_token_file *file,
    struct ria_error *err);

/* How to renew the tokens of a kind of session: a POST of JSON with grantType refresh_token. */
struct ria_session_renewal {
    const char *name; /* name of the service, for messages */
    enum ria_service service;
    enum ria_plan_value region; /* the setting with the region of the service */
    const char *path;
    const char *const *members; /* members of the token file that are copied into the request */
    size_t member_count;
    /* Appends a header that proves possession of the session's key. NULL: the service needs none.
     * Returns false with err filled on failure. */
    bool (*prove)(
        const struct ria_fetch *fetch,
        const struct ria_token_file *file,
        const char *url,
        struct ria_buf *header,
        struct ria_error *err);
    /* Copies the new tokens from the response into file->document. Returns false if the response
     * is not a valid response of this service. */
    bool (*store_tokens)(
        const struct ria_fetch *fetch,
        const struct ria_http_response *response,
        struct ria_token_file *file);
};

/* Requests new tokens and replaces the token file. Each function of the type ria_renew calls this
 * function. Returns false with err filled if the service cannot be reached, if its status is not
 * 200, if its response is not valid, or if the token file cannot be written. err->code is
 * RIA_E_NO_CREDENTIALS if the user must log in again. */
bool ria_session_renew(
    struct ria_fetch *fetch,
    struct ria_token_file *file,
    const struct ria_session_renewal *how,
    struct ria_error *err) RIA_MUST_USE;

#endif
