/* SPDX-License-Identifier: MIT
 *
 * Gets the credentials of a session of `aws login`. The session's token file contains the
 * credentials. AWS's sign-in service renews the credentials (CreateOAuth2Token with grant type
 * refresh_token). The renewal request carries a DPoP proof (RFC 9449), signed with the session's
 * key. Rejects a token file that lacks a member, and a token file whose credentials have expired
 * and cannot be renewed. */
#include "fetch/cli_session.h"

#include "base/messages.h"
#include "fetch/dpop.h"

#include <stdio.h>

static const char parent[] = "accessToken";

/* The members of the credentials, in the file and in the response. */
static const char *const key_members[] = {"accessKeyId", "secretAccessKey", "sessionToken"};
static const char *const request_members[] = {"clientId", "refreshToken"};

enum {
    KEY_MEMBERS = sizeof(key_members) / sizeof(key_members[0]),
    REQUEST_MEMBERS = sizeof(request_members) / sizeof(request_members[0]),
    /* Seconds, as in AWS's SDKs. The credentials live for only 15 minutes. With RENEW_BEFORE of
     * sso.c, which is 15 minutes, each login would renew them. */
    RENEW_BEFORE = 300,
};

/* Returns whether the file contains the keys, the session token, and their expiry time. */
static bool login_is_whole(const struct ria_token_file *file)
{
    RIA_AUTO(buf) text = {.max = RIA_HTTP_BODY_MAX};
    int64_t until = 0;
    for (size_t i = 0; i < KEY_MEMBERS; i++) {
        if (!ria_document_text(&file->document, parent, key_members[i], &text)) {
            return false;
        }
    }
    return ria_document_time(&file->document, parent, "expiresAt", &until);
}

static bool login_can_be_renewed(const struct ria_fetch *fetch, const struct ria_token_file *file)
{
    (void)fetch;
    RIA_AUTO(buf) text = {.max = RIA_HTTP_BODY_MAX};
    return ria_document_text(&file->document, NULL, "clientId", &text) &&
           ria_document_text(&file->document, NULL, "refreshToken", &text) &&
           ria_document_text(&file->document, NULL, "dpopKey", &text);
}

static bool login_store_tokens(
    const struct ria_fetch *fetch,
    const struct ria_http_response *response,
    struct ria_token_file *file)
{
    RIA_AUTO(document) result = {0};
    RIA_AUTO(buf) text = {.max = RIA_HTTP_BODY_MAX};
    int64_t seconds = 0;
    bool ok = ria_document_read(&response->body, &result) &&
              ria_document_number(&result, NULL, "expiresIn", &seconds) && seconds > 0 &&
              seconds <= INT32_MAX;
    for (size_t i = 0; ok && i < KEY_MEMBERS; i++) {
        ok = ria_document_text(&result, parent, key_members[i], &text) &&
             ria_document_set(&file->document, parent, key_members[i], text.data);
    }
    return ok &&
           ria_document_set_time(
               &file->document, parent, "expiresAt", ria_fetch_now(fetch) + seconds) &&
           ria_document_text(&result, NULL, "refreshToken", &text) &&
           ria_document_set(&file->document, NULL, "refreshToken", text.data);
}

static bool prove(
    const struct ria_fetch *fetch,
    const struct ria_token_file *file,
    const char *url,
    struct ria_buf *header,
    struct ria_error *err)
{
    RIA_AUTO(buf) key = {.max = RIA_HTTP_BODY_MAX};
    if (!ria_document_text(&file->document, NULL, "dpopKey", &key)) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "sign-in");
    }
    return ria_dpop_header(&key, "POST", url, ria_fetch_now(fetch), header, err);
}

/* Runs in a child process (renewal.h). */
static bool login_renew(struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err)
{
    static const struct ria_session_renewal how = {
        .name = "sign-in",
        .service = RIA_SERVICE_SIGNIN,
        .region = RIA_PLAN_LOGIN_REGION,
        .path = "/v1/token",
        .members = request_members,
        .member_count = REQUEST_MEMBERS,
        .prove = prove,
        .store_tokens = login_store_tokens,
    };
    return ria_session_renew(fetch, file, &how, err);
}

static const struct ria_session_kind login_session = {
    .login = "aws login",
    .expiry_parent = parent,
    .renew_before = RENEW_BEFORE,
    .is_whole = login_is_whole,
    .can_be_renewed = login_can_be_renewed,
    .renew = login_renew,
};

enum ria_outcome ria_fetch_login(
    struct ria_fetch *fetch, struct ria_credentials *out, struct ria_error *err)
{
    RIA_AUTO(token_file) file = RIA_TOKEN_FILE_INIT;
    RIA_AUTO(credentials) found = RIA_CREDENTIALS_INIT;
    struct ria_buf *const members[KEY_MEMBERS] = {
        &found.access_key_id, &found.secret_access_key, &found.session_token};
    if (!ria_session_open(fetch, &login_session, &file, err)) {
        return RIA_FAILED;
    }
    bool ok = ria_document_time(&file.document, parent, "expiresAt", &found.expires);
    for (size_t i = 0; ok && i < KEY_MEMBERS; i++) {
        ok = ria_document_text(&file.document, parent, key_members[i], members[i]);
    }
    if (!ok || !ria_credentials_are_plain(&found)) {
        (void)ria_session_is_damaged(fetch, &login_session, &file, err);
        return RIA_FAILED;
    }
    ria_plan_describe(fetch->plan, found.source, sizeof(found.source));
    (void)snprintf(
        fetch->result->identity,
        sizeof(fetch->result->identity),
        "%s",
        fetch->plan->value[RIA_PLAN_LOGIN_SESSION].value);
    ria_credentials_move(out, &found);
    return RIA_FOUND;
}
