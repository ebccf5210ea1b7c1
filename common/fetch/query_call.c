/* SPDX-License-Identifier: MIT
 *
 * Sends a request to an AWS service that has a query API: signs the form with SigV4 if the call has
 * a signer, sends it over HTTPS, and parses an error response. Tries again if the service cannot be
 * reached, throttles or has an internal error (ria_fetch_retry()), and signs the request again for
 * each try. If the Date header of a response shows that this machine's clock is wrong, signs the
 * next try with the corrected time. Rejects a successful response that the caller cannot parse. */
#include "fetch/query_call.h"

#include "aws/sigv4.h"
#include "base/messages.h"
#include "base/text.h"
#include "codec/digest.h"
#include "codec/percent.h"
#include "fetch/turn.h"

#include <stdio.h>
#include <string.h>

enum {
    CONNECT_TIMEOUT = 2000, /* milliseconds */
    TRY_TIMEOUT = 5000,
};

static const char content_type[] = "application/x-www-form-urlencoded; charset=utf-8";

/* -- the form ------------------------------------------------------------------------------- */

void ria_form_begin(struct ria_buf *form, const char *action, const char *version)
{
    ria_buf_addf(form, "Action=%s&Version=%s", action, version);
}

void ria_form_add_bytes(struct ria_buf *form, const char *name, const char *value, size_t len)
{
    ria_buf_addf(form, "&%s=", name);
    ria_percent_add(form, value, len);
}

void ria_form_add(struct ria_buf *form, const char *name, const char *value)
{
    if (value != NULL) {
        ria_form_add_bytes(form, name, value, strlen(value));
    }
}

void ria_form_add_number(struct ria_buf *form, const char *name, int64_t number)
{
    if (number != 0) {
        ria_buf_addf(form, "&%s=%lld", name, (long long)number);
    }
}

/* -- the signature -------------------------------------------------------------------------- */

struct signed_headers {
    char date[64];
    struct ria_buf token;
    struct ria_buf authorization;
};

static void release_headers(struct signed_headers *headers)
{
    ria_buf_release(&headers->token);
    ria_buf_release(&headers->authorization);
}

/* Appends the SigV4 canonical request: POST, the path, an empty query, the headers in alphabetical
 * order, and the hash of the body. */
static bool add_canonical(
    struct ria_buf *out,
    const struct ria_call *call,
    const struct ria_http_place *place,
    const struct ria_sigv4_scope *scope,
    struct ria_error *err)
{
    uint8_t hash[RIA_SHA256_LEN];
    if (!ria_sha256(call->body->data, call->body->len, hash, err)) {
        return false;
    }
    bool has_token = call->signer->session_token.len > 0;
    ria_buf_addf(
        out,
        "POST\n%s\n\ncontent-type:%s\nhost:%s\nx-amz-date:%s\n",
        place->path,
        content_type,
        place->host,
        scope->timestamp);
    if (has_token) {
        ria_buf_add_text(out, "x-amz-security-token:");
        ria_buf_add_text(out, call->signer->session_token.data);
        ria_buf_add_char(out, '\n');
    }
    ria_buf_addf(
        out, "\ncontent-type;host;x-amz-date%s\n", has_token ? ";x-amz-security-token" : "");
    ria_hex_add(out, hash, sizeof(hash));
    return ria_buf_text(out) != NULL ||
           ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a request to AWS");
}

static bool call_sign(
    const struct ria_call *call,
    const struct ria_http_place *place,
    const char *region,
    int64_t now,
    struct signed_headers *out,
    struct ria_error *err)
{
    struct ria_sigv4_scope scope = {.region = region, .service = ria_service_scope(call->service)};
    char signature[RIA_SIGNATURE_SIZE];
    struct ria_sigv4_key key;
    RIA_AUTO(buf) canonical = {.max = (size_t)2 * RIA_SESSION_TOKEN_MAX};
    if (!ria_timestamp_format(now, scope.timestamp)) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_REFUSAL_CLOCK);
    }
    if (!add_canonical(&canonical, call, place, &scope, err) ||
        !ria_sigv4_derive(&scope, call->signer, &key, err)) {
        return false;
    }
    const struct ria_digest_part request = {canonical.data, canonical.len};
    bool ok = ria_sigv4_sign(&scope, &key, &request, 1, signature, err);
    explicit_bzero(&key, sizeof(key));
    if (!ok) {
        return false;
    }
    bool has_token = call->signer->session_token.len > 0;
    (void)snprintf(out->date, sizeof(out->date), "X-Amz-Date: %s", scope.timestamp);
    if (has_token) {
        ria_buf_add_text(&out->token, "X-Amz-Security-Token: ");
        ria_buf_add_text(&out->token, call->signer->session_token.data);
    }
    ria_buf_addf(
        &out->authorization,
        "Authorization: " RIA_SIGV4_ALGORITHM " Credential=%s/",
        call->signer->access_key_id.data);
    ria_sigv4_add_scope(&out->authorization, &scope);
    ria_buf_addf(
        &out->authorization,
        ", SignedHeaders=content-type;host;x-amz-date%s, Signature=%s",
        has_token ? ";x-amz-security-token" : "",
        signature);
    return ria_buf_text(&out->authorization) != NULL && ria_buf_text(&out->token) != NULL
               ? true
               : ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a request to AWS");
}

static void call_parse_fault(const struct ria_http_response *response, struct ria_call_fault *out)
{
    RIA_AUTO(buf) code = {.max = sizeof(out->code) - 1};
    RIA_AUTO(buf) message = {.max = 4096};
    const struct ria_xml_wanted wanted[] = {{"Code", &code}, {"Message", &message}};
    out->status = response->status;
    if (!ria_xml_read(&response->body, wanted, 2) || code.len == 0) {
        (void)snprintf(out->code, sizeof(out->code), "HTTP status %ld", response->status);
        out->message[0] = '\0';
        return;
    }
    (void)ria_url_show_in(code.data, out->code, sizeof(out->code));
    (void)ria_url_show_in(message.len == 0 ? "" : message.data, out->message, sizeof(out->message));
}

/* Returns whether the service rejected the request because it gets too many requests. STS sends
 * the code Throttling with status 400. */
static bool call_is_throttled(const struct ria_call_fault *fault)
{
    static const char *const codes[] = {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "SlowDown",
        "TooManyRequestsException",
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strcmp(fault->code, codes[i]) == 0) {
            return true;
        }
    }
    return fault->status == 429;
}

bool ria_call_is_passing(const struct ria_call_fault *fault)
{
    return call_is_throttled(fault) || strcmp(fault->code, "IDPCommunicationError") == 0 ||
           ria_fetch_is_transient(fault->status);
}

/* -- the call ------------------------------------------------------------------------------- */

enum call_attempt {
    DONE,
    AGAIN,
    GIVE_UP,
};

static enum call_attempt call_try_once(
    struct ria_fetch *fetch,
    const struct ria_call *call,
    struct ria_call_fault *fault,
    struct ria_fetch_pace *pace,
    struct ria_error *err)
{
    struct ria_fetch_service service;
    __attribute__((cleanup(release_headers))) struct signed_headers headers = {
        .token = {.max = RIA_SESSION_TOKEN_MAX + 64}, .authorization = {.max = 1024}};
    if (!ria_fetch_find_service(fetch, call->service, call->region, &service, err) ||
        (call->signer != NULL &&
         !call_sign(
             call, &service.place, service.endpoint.region, ria_fetch_now(fetch), &headers, err))) {
        return GIVE_UP;
    }
    char type[128];
    (void)snprintf(type, sizeof(type), "Content-Type: %s", content_type);
    struct ria_http_request request = {
        .url = service.endpoint.url,
        .method = "POST",
        .headers = {type},
        .body = call->body,
        .connect_timeout = ria_fetch_timeout(fetch, CONNECT_TIMEOUT),
        .timeout = ria_fetch_timeout(fetch, TRY_TIMEOUT),
        .authorities = service.authorities,
    };
    if (call->signer != NULL) {
        request.headers[1] = headers.date;
        request.headers[2] = headers.authorization.data;
        request.headers[3] = headers.token.len > 0 ? headers.token.data : NULL;
    }
    RIA_AUTO(http_response) response = RIA_HTTP_RESPONSE_INIT;
    fault->status = 0;
    *pace = (struct ria_fetch_pace){0};
    fault->result = ria_fetch_exchange(fetch, &request, &response, err);
    if (fault->result != RIA_HTTP_ANSWERED) {
        return ria_fetch_is_worth_another(fault->result, &response) ? AGAIN : GIVE_UP;
    }
    bool has_new_offset = ria_fetch_learn_offset(fetch, &response);
    if (response.status == 200 && call->parse(call->self, &response.body)) {
        return DONE;
    }
    if (response.status == 200) {
        fault->result = RIA_HTTP_UNUSABLE;
        (void)ria_fail(
            err,
            RIA_E_CREDENTIALS,
            "%s: this is not an %s response",
            service.place.shown,
            ria_service_name(call->service));
        return GIVE_UP;
    }
    call_parse_fault(&response, fault);
    pace->is_throttled = call_is_throttled(fault);
    pace->retry_after = response.retry_after;
    return has_new_offset || ria_call_is_passing(fault) ? AGAIN : GIVE_UP;
}

/* Decides about another try (ria_fetch_retry()). */
static bool call_again(
    const struct ria_fetch *fetch,
    const struct ria_call *call,
    unsigned tries,
    const struct ria_call_fault *fault,
    const struct ria_fetch_pace *pace,
    const struct ria_error *err)
{
    char reason[RIA_TURN_REASON_SIZE];
    const char *name = ria_service_name(call->service);
    if (fault->status != 0) {
        (void)ria_text_format(
            reason,
            sizeof(reason),
            "%s says %s%s%s",
            name,
            fault->code,
            fault->message[0] == '\0' ? "" : ": ",
            fault->message);
    } else {
        (void)ria_text_format(
            reason,
            sizeof(reason),
            "%s %s: %s",
            name,
            ria_http_predicate(fault->result),
            err->text);
    }
    struct ria_fetch_pace reasoned = *pace;
    reasoned.reason = reason;
    return ria_fetch_retry(fetch, tries, &reasoned);
}

bool ria_call_send(
    struct ria_fetch *fetch,
    const struct ria_call *call,
    struct ria_call_fault *fault,
    struct ria_error *err)
{
    enum call_attempt attempt = AGAIN;
    struct ria_fetch_pace pace = {0};
    unsigned tries = 0;
    int64_t left = ria_deadline_left(fetch->world, fetch->deadline);
    fault->result = RIA_HTTP_UNASKED;
    if (!ria_fetch_has_time(fetch, err)) {
        return false;
    }
    do {
        attempt = call_try_once(fetch, call, fault, &pace, err);
        tries++;
    } while (attempt == AGAIN && call_again(fetch, call, tries, fault, &pace, err));
    if (fault->result == RIA_HTTP_NOBODY || fault->result == RIA_HTTP_SILENT) {
        ria_fetch_blame(fetch, left, err);
    }
    return attempt == DONE;
}
