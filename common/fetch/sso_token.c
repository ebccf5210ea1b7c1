/* SPDX-License-Identifier: MIT
 *
 * The token of an SSO session, as `aws sso login` leaves it, renewed at SSO's OIDC endpoint
 * (CreateToken with grant type refresh_token). Tokens of the older form have no renewal. */
#include "fetch/renewal.h"
#include "fetch/sso.h"

#include "base/timestamp.h"

#include <stdio.h>
#include <string.h>

enum {
    RENEW_BEFORE = 900, /* seconds; botocore's window */
    CONNECT_TIMEOUT = 2000,
    TRY_TIMEOUT = 5000,
};

static const char *profile_name(const struct ria_fetch *fetch)
{
    return fetch->plan->value[RIA_PLAN_SOURCE_PROFILE].value;
}

/* -- the renewal ---------------------------------------------------------------------------- */

static const struct {
    const char *in_file;
    const char *in_request;
} request_members[] = {
    {"clientId", "clientId"},
    {"clientSecret", "clientSecret"},
    {"refreshToken", "refreshToken"},
};

static bool can_be_renewed(const struct ria_fetch *fetch, const struct ria_token_file *file)
{
    RIA_AUTO(buf) text = {.max = RIA_HTTP_BODY_MAX};
    int64_t until = 0;
    for (size_t i = 0; i < sizeof(request_members) / sizeof(request_members[0]); i++) {
        if (!ria_document_text(&file->document, NULL, request_members[i].in_file, &text)) {
            return false;
        }
    }
    return fetch->plan->value[RIA_PLAN_SSO_SESSION].value != NULL &&
           ria_document_time(&file->document, NULL, "registrationExpiresAt", &until) &&
           until > ria_fetch_now(fetch);
}

static bool write_request(const struct ria_token_file *file, struct ria_buf *body)
{
    static const char empty[] = "{\"grantType\": \"refresh_token\"}";
    RIA_AUTO(document) request = {0};
    RIA_AUTO(buf) text = {.max = RIA_HTTP_BODY_MAX};
    ria_buf_add_text(&text, empty);
    bool ok = ria_document_read(&text, &request);
    for (size_t i = 0; ok && i < sizeof(request_members) / sizeof(request_members[0]); i++) {
        ok = ria_document_text(&file->document, NULL, request_members[i].in_file, &text) &&
             ria_document_set(&request, NULL, request_members[i].in_request, text.data);
    }
    return ok && ria_document_write(&request, body);
}

/* A refusal of OIDC's: {"error": "invalid_grant", ...}. Only a person can log in again. */
static bool refused(
    const struct ria_http_response *response, const char *host, struct ria_error *err)
{
    RIA_AUTO(document) document = {0};
    RIA_AUTO(buf) word = {.max = 64};
    bool has_word = ria_document_read(&response->body, &document) &&
                    ria_document_text(&document, NULL, "error", &word);
    bool is_final = response->status == 400 || response->status == 401 || response->status == 403;
    return ria_fail(
        err,
        is_final ? RIA_E_NO_CREDENTIALS : RIA_E_CREDENTIALS,
        "%.128s answers its renewal with status %ld%s%s",
        host,
        response->status,
        has_word ? ": " : "",
        has_word ? word.data : "");
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
    struct ria_plan_endpoint endpoint;
    struct ria_http_place place;
    RIA_AUTO(buf) body = {.max = RIA_HTTP_BODY_MAX};
    RIA_AUTO(buf) spent = {.max = RIA_HTTP_BODY_MAX};
    RIA_AUTO(buf) url = {.max = RIA_SERVICE_URL_MAX + 64};
    RIA_AUTO(http_response) response = RIA_HTTP_RESPONSE_INIT;
    if (!ria_fetch_find_service(
            fetch,
            RIA_SERVICE_SSO_OIDC,
            &fetch->plan->value[RIA_PLAN_SSO_REGION],
            &endpoint,
            &place,
            err)) {
        return false;
    }
    ria_fetch_add_path(&url, endpoint.url, "/token");
    if (!write_request(file, &body) || ria_buf_text(&url) == NULL ||
        !ria_document_text(&file->document, NULL, "refreshToken", &spent)) {
        return ria_fail(err, RIA_E_SYSTEM, "out of memory for SSO");
    }
    struct ria_http_request request = {
        .url = url.data,
        .method = "POST",
        .headers = {"Content-Type: application/json"},
        .body = &body,
        .connect_timeout = CONNECT_TIMEOUT,
        .timeout = TRY_TIMEOUT,
        .ca_bundle = fetch->plan->value[RIA_PLAN_CA_BUNDLE].value,
    };
    if (ria_fetch_send(fetch, &request, &response, err) != RIA_HTTP_ANSWERED) {
        return false;
    }
    if (response.status != 200) {
        return refused(&response, place.host, err);
    }
    if (!take_tokens(fetch, &response, file)) {
        return ria_fail(
            err, RIA_E_CREDENTIALS, "the answer of %.128s is none of SSO's", place.host);
    }
    return ria_token_file_replace(fetch, file, "refreshToken", spent.data, err);
}

/* -- the token ------------------------------------------------------------------------------ */

static int64_t seconds_left(const struct ria_fetch *fetch, const struct ria_token_file *file)
{
    int64_t until = 0;
    return ria_document_time(&file->document, NULL, "expiresAt", &until)
               ? until - ria_fetch_now(fetch)
               : 0;
}

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

static bool take_token(
    const struct ria_fetch *fetch,
    const struct ria_token_file *file,
    struct ria_buf *out,
    struct ria_error *err)
{
    return (ria_document_text(&file->document, NULL, "accessToken", out) && is_plain(out)) ||
           ria_fail_at(
               err,
               RIA_E_CREDENTIALS,
               ria_plan_origin(fetch->plan),
               "%.128s holds no token; type: aws sso login --profile %.64s",
               file->path,
               profile_name(fetch));
}

static bool not_logged_in(
    const struct ria_fetch *fetch, const struct ria_token_file *file, struct ria_error *err)
{
    return ria_fail_at(
        err,
        RIA_E_CREDENTIALS,
        ria_plan_origin(fetch->plan),
        "nobody has logged in for profile %.64s (there is no %.160s); type: aws sso login "
        "--profile %.64s",
        profile_name(fetch),
        file->path,
        profile_name(fetch));
}

/* `why` may be "". */
static bool has_ended(
    const struct ria_fetch *fetch,
    const struct ria_token_file *file,
    const struct ria_error *why,
    struct ria_error *err)
{
    RIA_AUTO(buf) when = {.max = 64};
    const struct ria_setting *origin = ria_plan_origin(fetch->plan);
    const char *profile = profile_name(fetch);
    bool may_be_renewed_later = why->text[0] != '\0' && why->code != RIA_E_NO_CREDENTIALS;
    bool has_time = ria_document_text(&file->document, NULL, "expiresAt", &when);
    if (may_be_renewed_later) {
        return ria_fail_at(
            err,
            why->code,
            origin,
            "the token of %.80s ended %.32s and could not be renewed: %.200s; try again",
            fetch->plan->label,
            has_time ? when.data : "",
            why->text);
    }
    return ria_fail_at(
        err,
        RIA_E_CREDENTIALS,
        origin,
        "%.80s ended %.32s%s%.160s; type: aws sso login --profile %.64s",
        fetch->plan->label,
        has_time ? when.data : "",
        why->text[0] == '\0' ? "" : ", ",
        why->text,
        profile);
}

/* The file's token is renewed, or good enough as it is. */
static bool try_to_renew(
    struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err)
{
    if (!ria_token_file_lock(fetch, file, err)) {
        return false;
    }
    /* Somebody else may have done it while we waited. */
    enum ria_outcome outcome = ria_token_file_read(fetch, file, err);
    if (outcome == RIA_FOUND && seconds_left(fetch, file) < RENEW_BEFORE) {
        outcome = ria_renewal_run(fetch, file, renew, err);
        outcome = outcome == RIA_FOUND ? ria_token_file_read(fetch, file, err) : outcome;
    }
    return outcome == RIA_FOUND;
}

bool ria_sso_token(struct ria_fetch *fetch, struct ria_buf *out, struct ria_error *err)
{
    __attribute__((cleanup(ria_token_file_release))) struct ria_token_file file =
        RIA_TOKEN_FILE_INIT;
    struct ria_error why = {0};
    enum ria_outcome outcome = ria_token_file_read(fetch, &file, &why);
    if (outcome == RIA_ABSENT) {
        return not_logged_in(fetch, &file, err);
    }
    if (outcome == RIA_FAILED) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            ria_plan_origin(fetch->plan),
            "the token file %s; type: aws sso login --profile %.64s",
            why.text,
            profile_name(fetch));
    }
    why = (struct ria_error){0};
    if (seconds_left(fetch, &file) < RENEW_BEFORE && can_be_renewed(fetch, &file) &&
        !try_to_renew(fetch, &file, &why) && seconds_left(fetch, &file) > 0) {
        ria_answer_warn(
            fetch->answer,
            "the token of %.80s could not be renewed and is used until it ends: %s",
            fetch->plan->label,
            why.text);
    }
    if (seconds_left(fetch, &file) <= 0) {
        return has_ended(fetch, &file, &why, err);
    }
    return take_token(fetch, &file, out, err);
}
