/* SPDX-License-Identifier: MIT
 *
 * The token of an SSO session, as `aws sso login` leaves it, renewed at SSO's OIDC endpoint
 * (CreateToken with grant type refresh_token). Tokens of the older form have no renewal. */
#include "fetch/session.h"
#include "fetch/sso.h"

static const char *const request_members[] = {"clientId", "clientSecret", "refreshToken"};

enum {
    REQUEST_MEMBERS = sizeof(request_members) / sizeof(request_members[0]),
    RENEW_BEFORE = 900, /* seconds; botocore's window */
};

static bool is_whole(const struct ria_token_file *file)
{
    RIA_AUTO(buf) text = {.max = RIA_HTTP_BODY_MAX};
    int64_t until = 0;
    return ria_document_text(&file->document, NULL, "accessToken", &text) &&
           ria_document_time(&file->document, NULL, "expiresAt", &until);
}

static bool can_be_renewed(const struct ria_fetch *fetch, const struct ria_token_file *file)
{
    RIA_AUTO(buf) text = {.max = RIA_HTTP_BODY_MAX};
    int64_t until = 0;
    for (size_t i = 0; i < REQUEST_MEMBERS; i++) {
        if (!ria_document_text(&file->document, NULL, request_members[i], &text)) {
            return false;
        }
    }
    return fetch->plan->value[RIA_PLAN_SSO_SESSION].value != NULL &&
           ria_document_time(&file->document, NULL, "registrationExpiresAt", &until) &&
           until > ria_fetch_now(fetch);
}

static bool take_tokens(
    const struct ria_fetch *fetch,
    const struct ria_http_response *response,
    struct ria_token_file *file)
{
    RIA_AUTO(document) answer = {0};
    RIA_AUTO(buf) access = {.max = RIA_SSO_TOKEN_MAX};
    RIA_AUTO(buf) refresh = {.max = RIA_HTTP_BODY_MAX};
    int64_t seconds = 0;
    if (!ria_document_read(&response->body, &answer) ||
        !ria_document_text(&answer, NULL, "accessToken", &access) ||
        !ria_document_number(&answer, NULL, "expiresIn", &seconds) || seconds <= 0 ||
        seconds > INT32_MAX ||
        !ria_document_set(&file->document, NULL, "accessToken", access.data) ||
        !ria_document_set_time(
            &file->document, NULL, "expiresAt", ria_fetch_now(fetch) + seconds)) {
        return false;
    }
    return !ria_document_text(&answer, NULL, "refreshToken", &refresh) ||
           ria_document_set(&file->document, NULL, "refreshToken", refresh.data);
}

/* In a process of its own. */
static bool renew(struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err)
{
    static const struct ria_session_renewal how = {
        .name = "SSO",
        .service = RIA_SERVICE_SSO_OIDC,
        .region = RIA_PLAN_SSO_REGION,
        .path = "/token",
        .members = request_members,
        .member_count = REQUEST_MEMBERS,
        .take_tokens = take_tokens,
    };
    return ria_session_renew(fetch, file, &how, err);
}

static const struct ria_session_kind sso_session = {
    .login = "aws sso login",
    .renew_before = RENEW_BEFORE,
    .is_whole = is_whole,
    .can_be_renewed = can_be_renewed,
    .renew = renew,
};

/* It goes into a header, where a line break would begin another one. */
static bool is_plain(const struct ria_buf *token)
{
    for (size_t i = 0; i < token->len; i++) {
        if (token->data[i] <= ' ' || token->data[i] > '~') {
            return false;
        }
    }
    return true;
}

bool ria_sso_token(struct ria_fetch *fetch, struct ria_buf *out, struct ria_error *err)
{
    RIA_AUTO(token_file) file = RIA_TOKEN_FILE_INIT;
    if (!ria_session_open(fetch, &sso_session, &file, err)) {
        return false;
    }
    return (ria_document_text(&file.document, NULL, "accessToken", out) && is_plain(out)) ||
           ria_session_is_damaged(fetch, &sso_session, &file, err);
}
