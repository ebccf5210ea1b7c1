/* SPDX-License-Identifier: MIT
 *
 * Gets the credentials of a role from the portal of AWS SSO (GetRoleCredentials). The request is
 * not signed; it carries the SSO token that `aws sso login` has written to a token file. SSO's OIDC
 * endpoint renews the SSO token (CreateToken with grant type refresh_token). The legacy form of a
 * profile, without an sso-session section, has an SSO token that cannot be renewed. Rejects an
 * expired SSO token, and an SSO token that contains characters that are not allowed in a header. */
#include "fetch/cli_session.h"

#include "base/messages.h"
#include "base/text.h"
#include "codec/percent.h"
#include "fetch/document.h"

#include <stdio.h>
#include <string.h>

/* -- the token ------------------------------------------------------------------------------ */

static const char *const request_members[] = {"clientId", "clientSecret", "refreshToken"};

enum {
    REQUEST_MEMBERS = sizeof(request_members) / sizeof(request_members[0]),
    RENEW_BEFORE = 900,     /* seconds, as in botocore */
    CONNECT_TIMEOUT = 2000, /* milliseconds */
    TRY_TIMEOUT = 5000,
    /* Bytes. SSO tokens have about 1 KB today; HTTP servers accept 8 KB of headers. */
    TOKEN_MAX = 6 * 1024
};

static bool sso_is_whole(const struct ria_token_file *file)
{
    RIA_AUTO(buf) text = {.max = RIA_HTTP_BODY_MAX};
    int64_t until = 0;
    return ria_document_text(&file->document, NULL, "accessToken", &text) &&
           ria_document_time(&file->document, NULL, "expiresAt", &until);
}

static bool sso_can_be_renewed(const struct ria_fetch *fetch, const struct ria_token_file *file)
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

static bool sso_store_tokens(
    const struct ria_fetch *fetch,
    const struct ria_http_response *response,
    struct ria_token_file *file)
{
    RIA_AUTO(document) result = {0};
    RIA_AUTO(buf) access = {.max = TOKEN_MAX};
    RIA_AUTO(buf) refresh = {.max = RIA_HTTP_BODY_MAX};
    int64_t seconds = 0;
    if (!ria_document_read(&response->body, &result) ||
        !ria_document_text(&result, NULL, "accessToken", &access) ||
        !ria_document_number(&result, NULL, "expiresIn", &seconds) || seconds <= 0 ||
        seconds > INT32_MAX ||
        !ria_document_set(&file->document, NULL, "accessToken", access.data) ||
        !ria_document_set_time(
            &file->document, NULL, "expiresAt", ria_fetch_now(fetch) + seconds)) {
        return false;
    }
    /* The response may contain no new refresh token. But a refresh token that cannot be copied is
     * lost, and so is the session. */
    return ria_document_text(&result, NULL, "refreshToken", &refresh)
               ? ria_document_set(&file->document, NULL, "refreshToken", refresh.data)
               : !refresh.failed;
}

/* Runs in a child process (renewal.h). */
static bool sso_renew(struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err)
{
    static const struct ria_session_renewal how = {
        .name = "SSO",
        .service = RIA_SERVICE_SSO_OIDC,
        .region = RIA_PLAN_SSO_REGION,
        .path = "/token",
        .members = request_members,
        .member_count = REQUEST_MEMBERS,
        .store_tokens = sso_store_tokens,
    };
    return ria_session_renew(fetch, file, &how, err);
}

static const struct ria_session_kind sso_session = {
    .login = "aws sso login",
    .renew_before = RENEW_BEFORE,
    .is_whole = sso_is_whole,
    .can_be_renewed = sso_can_be_renewed,
    .renew = sso_renew,
};

/* Returns whether the token can be sent in a header. For example, a line break in the token would
 * begin another header. */
static bool sso_is_plain(const struct ria_buf *token)
{
    for (size_t i = 0; i < token->len; i++) {
        if (token->data[i] <= ' ' || token->data[i] > '~') {
            return false;
        }
    }
    return true;
}

/* Copies the SSO token from its file. Renews the token first if it expires within 15 minutes and
 * can be renewed. If the renewal fails, uses the old token until it expires. */
static bool sso_find_token(struct ria_fetch *fetch, struct ria_buf *out, struct ria_error *err)
{
    RIA_AUTO(token_file) file = RIA_TOKEN_FILE_INIT;
    if (!ria_session_open(fetch, &sso_session, &file, err)) {
        return false;
    }
    return (ria_document_text(&file.document, NULL, "accessToken", out) && sso_is_plain(out)) ||
           ria_session_is_damaged(fetch, &sso_session, &file, err);
}

/* -- a role's credentials ------------------------------------------------------------------- */

static bool sso_parse_credentials(const struct ria_buf *body, struct ria_credentials *out)
{
    static const char parent[] = "roleCredentials";
    RIA_AUTO(document) result = {0};
    RIA_AUTO(credentials) found = RIA_CREDENTIALS_INIT;
    int64_t milliseconds = 0;
    if (!ria_document_read(body, &result) ||
        !ria_document_text(&result, parent, "accessKeyId", &found.access_key_id) ||
        !ria_document_text(&result, parent, "secretAccessKey", &found.secret_access_key) ||
        !ria_document_text(&result, parent, "sessionToken", &found.session_token) ||
        !ria_document_number(&result, parent, "expiration", &milliseconds) || milliseconds < 1000 ||
        !ria_credentials_are_plain(&found)) {
        return false;
    }
    found.expires = milliseconds / 1000;
    ria_credentials_move(out, &found);
    return true;
}

/* Writes the part of a message after the semicolon: what to do about an HTTP status. */
static void write_advice(const struct ria_plan *plan, long status, char *out, size_t size)
{
    const struct ria_setting *value = plan->value;
    char quoted[RIA_QUOTED_SIZE];
    if (status == 401) {
        (void)snprintf(
            out,
            size,
            "the session has expired; run: aws sso login --profile %s",
            ria_text_quote(value[RIA_PLAN_SOURCE_PROFILE].value, quoted));
    } else if (status == 403 || status == 404) {
        (void)snprintf(
            out,
            size,
            "ask for role %.64s in account %.32s, or fix sso_role_name and sso_account_id",
            value[RIA_PLAN_SSO_ROLE_NAME].value,
            value[RIA_PLAN_SSO_ACCOUNT_ID].value);
    } else {
        (void)snprintf(
            out, size, ria_fetch_is_transient(status) ? RIA_REMEDY_LATER : "check its endpoint");
    }
}

static enum ria_outcome sso_refused(
    const struct ria_plan *plan,
    const struct ria_http_response *response,
    const char *host,
    struct ria_error *err)
{
    RIA_AUTO(document) document = {0};
    RIA_AUTO(buf) message = {.max = 1024};
    char advice[256];
    char shown[128] = "";
    bool has_message = ria_document_read(&response->body, &document) &&
                       ria_document_text(&document, NULL, "message", &message);
    if (has_message) {
        (void)ria_url_show_in(message.data, shown, sizeof(shown));
    }
    write_advice(plan, response->status, advice, sizeof(advice));
    return ria_failed_at(
        err,
        RIA_E_CREDENTIALS,
        ria_plan_source_setting(plan),
        "SSO's portal %.80s answers %.80s with status %ld%s%.80s; %s",
        host,
        plan->label,
        response->status,
        has_message ? ": " : "",
        shown,
        advice);
}

static enum ria_outcome sso_parse_response(
    struct ria_fetch *fetch,
    const struct ria_http_response *response,
    const char *host,
    struct ria_credentials *out,
    struct ria_error *err)
{
    const struct ria_plan *plan = fetch->plan;
    if (response->status != 200) {
        return sso_refused(plan, response, host, err);
    }
    if (!sso_parse_credentials(&response->body, out)) {
        return ria_failed_at(
            err,
            RIA_E_CREDENTIALS,
            ria_plan_source_setting(plan),
            "%.128s did not send a valid SSO response for %.80s; check its endpoint",
            host,
            plan->label);
    }
    ria_plan_describe(plan, out->source, sizeof(out->source));
    (void)snprintf(
        fetch->result->identity,
        sizeof(fetch->result->identity),
        "role %.100s of account %.32s",
        plan->value[RIA_PLAN_SSO_ROLE_NAME].value,
        plan->value[RIA_PLAN_SSO_ACCOUNT_ID].value);
    return RIA_FOUND;
}

static void sso_add_url(struct ria_buf *out, const char *base, const struct ria_plan *plan)
{
    const char *role = plan->value[RIA_PLAN_SSO_ROLE_NAME].value;
    const char *account = plan->value[RIA_PLAN_SSO_ACCOUNT_ID].value;
    ria_fetch_add_path(out, base, "/federation/credentials?role_name=");
    ria_percent_add(out, role, strlen(role));
    ria_buf_add_text(out, "&account_id=");
    ria_percent_add(out, account, strlen(account));
}

enum ria_outcome ria_fetch_sso(
    struct ria_fetch *fetch, struct ria_credentials *out, struct ria_error *err)
{
    const struct ria_plan *plan = fetch->plan;
    struct ria_fetch_service service;
    RIA_AUTO(buf) url = {.max = RIA_SERVICE_URL_MAX + 4096};
    RIA_AUTO(buf) token = {.max = TOKEN_MAX};
    RIA_AUTO(buf) header = {.max = TOKEN_MAX + 64};
    RIA_AUTO(http_response) response = RIA_HTTP_RESPONSE_INIT;
    if (!ria_fetch_find_service(
            fetch, RIA_SERVICE_SSO, &plan->value[RIA_PLAN_SSO_REGION], &service, err) ||
        !sso_find_token(fetch, &token, err)) {
        return RIA_FAILED;
    }
    sso_add_url(&url, service.endpoint.url, plan);
    ria_buf_add_text(&header, "x-amz-sso_bearer_token: ");
    ria_buf_add_text(&header, token.data);
    if (ria_buf_text(&url) == NULL || ria_buf_text(&header) == NULL) {
        return ria_failed(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "SSO");
    }
    struct ria_http_request request = {
        .url = url.data,
        .method = "GET",
        .headers = {header.data},
        .connect_timeout = CONNECT_TIMEOUT,
        .timeout = TRY_TIMEOUT,
        .authorities = service.authorities,
    };
    struct ria_error why = {0};
    enum ria_http_result result = ria_fetch_send(fetch, &request, &response, &why);
    if (result != RIA_HTTP_ANSWERED) {
        return ria_failed_at(
            err,
            why.code,
            ria_plan_source_setting(plan),
            "%.80s: SSO's portal %s: %s%s",
            plan->label,
            ria_http_predicate(result),
            why.text,
            ria_http_remedy(result));
    }
    (void)ria_fetch_learn_offset(fetch, &response);
    return sso_parse_response(fetch, &response, service.place.shown, out, err);
}
