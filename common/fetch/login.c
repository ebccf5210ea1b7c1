/* SPDX-License-Identifier: MIT
 *
 * The session of `aws login`: its token file holds the credentials themselves. New ones are had at
 * AWS's sign-in service (CreateOAuth2Token with grant type refresh_token) by whoever shows the
 * session's key, with a proof for this one request (DPoP, RFC 9449). */
#include "base/messages.h"
#include "fetch/dpop.h"
#include "fetch/session.h"

#include <stdio.h>

static const char parent[] = "accessToken";

/* The members of the credentials, in the file and in the answer. */
static const char *const key_members[] = {"accessKeyId", "secretAccessKey", "sessionToken"};
static const char *const request_members[] = {"clientId", "refreshToken"};

enum {
    KEY_MEMBERS = sizeof(key_members) / sizeof(key_members[0]),
    REQUEST_MEMBERS = sizeof(request_members) / sizeof(request_members[0]),
    /* Seconds; the window of AWS's SDKs. The credentials live a quarter of an hour, so a login
     * asks for new ones only where these are about to end. */
    RENEW_BEFORE = 300,
};

/* A renewal replaces members of this object, as AWS's SDKs do it. */
static bool is_whole(const struct ria_token_file *file)
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

static bool can_be_renewed(const struct ria_fetch *fetch, const struct ria_token_file *file)
{
    (void)fetch;
    RIA_AUTO(buf) text = {.max = RIA_HTTP_BODY_MAX};
    return ria_document_text(&file->document, NULL, "clientId", &text) &&
           ria_document_text(&file->document, NULL, "refreshToken", &text) &&
           ria_document_text(&file->document, NULL, "dpopKey", &text);
}

static bool take_tokens(
    const struct ria_fetch *fetch,
    const struct ria_http_response *response,
    struct ria_token_file *file)
{
    RIA_AUTO(document) answer = {0};
    RIA_AUTO(buf) text = {.max = RIA_HTTP_BODY_MAX};
    int64_t seconds = 0;
    bool ok = ria_document_read(&response->body, &answer) &&
              ria_document_number(&answer, NULL, "expiresIn", &seconds) && seconds > 0 &&
              seconds <= INT32_MAX;
    for (size_t i = 0; ok && i < KEY_MEMBERS; i++) {
        ok = ria_document_text(&answer, parent, key_members[i], &text) &&
             ria_document_set(&file->document, parent, key_members[i], text.data);
    }
    return ok &&
           ria_document_set_time(
               &file->document, parent, "expiresAt", ria_fetch_now(fetch) + seconds) &&
           ria_document_text(&answer, NULL, "refreshToken", &text) &&
           ria_document_set(&file->document, NULL, "refreshToken", text.data);
}

/* In a process of its own. */
static bool renew(struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err)
{
    struct ria_fetch_service service;
    RIA_AUTO(buf) key = {.max = RIA_HTTP_BODY_MAX};
    RIA_AUTO(buf) header = {.max = RIA_DPOP_MAX};
    RIA_AUTO(buf) body = {.max = RIA_HTTP_BODY_MAX};
    RIA_AUTO(buf) spent = {.max = RIA_HTTP_BODY_MAX};
    RIA_AUTO(buf) url = {.max = RIA_SERVICE_URL_MAX + 64};
    RIA_AUTO(http_response) response = RIA_HTTP_RESPONSE_INIT;
    const struct ria_setting *region = &fetch->plan->value[RIA_PLAN_LOGIN_REGION];
    if (!ria_fetch_find_service(fetch, RIA_SERVICE_SIGNIN, region, &service, err)) {
        return false;
    }
    ria_fetch_add_path(&url, service.endpoint.url, "/v1/token");
    if (!ria_session_write_request(file, request_members, REQUEST_MEMBERS, &body) ||
        ria_buf_text(&url) == NULL ||
        !ria_document_text(&file->document, NULL, "refreshToken", &spent) ||
        !ria_document_text(&file->document, NULL, "dpopKey", &key)) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "sign-in");
    }
    if (!ria_dpop_header(&key, "POST", url.data, ria_fetch_now(fetch), &header, err)) {
        return false;
    }
    const struct ria_session_request request = {
        .url = url.data,
        .host = service.place.shown,
        .header = header.data,
        .body = &body,
        .authorities = service.authorities,
    };
    if (!ria_session_send(fetch, &request, &response, err)) {
        return false;
    }
    if (!take_tokens(fetch, &response, file)) {
        return ria_fail(
            err,
            RIA_E_CREDENTIALS,
            "the answer of %.128s is none of sign-in's",
            service.place.shown);
    }
    return ria_token_file_replace(fetch, file, "refreshToken", spent.data, err);
}

static const struct ria_session_kind login_session = {
    .login = "aws login",
    .expiry_parent = parent,
    .renew_before = RENEW_BEFORE,
    .is_whole = is_whole,
    .can_be_renewed = can_be_renewed,
    .renew = renew,
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
        fetch->answer->identity,
        sizeof(fetch->answer->identity),
        "%s",
        fetch->plan->value[RIA_PLAN_LOGIN_SESSION].value);
    ria_credentials_move(out, &found);
    return RIA_FOUND;
}
