/* SPDX-License-Identifier: MIT
 *
 * Calls STS over HTTPS: builds the form, signs the request with SigV4, sends it, and parses the
 * credentials or the error. Tries up to three times if STS cannot be reached, throttles or has an
 * internal error, and signs the request again for each try. If the Date header of a response shows
 * that this machine's clock is wrong, signs the next try with the corrected time. */
#include "fetch/sts.h"

#include "aws/sigv4.h"
#include "base/messages.h"
#include "codec/digest.h"
#include "codec/percent.h"

#include <stdio.h>
#include <string.h>

enum {
    CONNECT_TIMEOUT = 2000, /* milliseconds */
    TRY_TIMEOUT = 5000,
};

static const char content_type[] = "application/x-www-form-urlencoded; charset=utf-8";

/* -- the form ------------------------------------------------------------------------------- */

void ria_sts_begin(struct ria_buf *form, const char *action)
{
    ria_buf_addf(form, "Action=%s&Version=2011-06-15", action);
}

void ria_sts_add_bytes(struct ria_buf *form, const char *name, const char *value, size_t len)
{
    ria_buf_addf(form, "&%s=", name);
    ria_percent_add(form, value, len);
}

void ria_sts_add(struct ria_buf *form, const char *name, const char *value)
{
    if (value != NULL) {
        ria_sts_add_bytes(form, name, value, strlen(value));
    }
}

void ria_sts_add_number(struct ria_buf *form, const char *name, int64_t number)
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
    const struct ria_sts_call *call,
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
    return ria_buf_text(out) != NULL || ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "STS");
}

static bool sts_sign(
    const struct ria_sts_call *call,
    const struct ria_http_place *place,
    const char *region,
    int64_t now,
    struct signed_headers *out,
    struct ria_error *err)
{
    struct ria_sigv4_scope scope = {.region = region, .service = "sts"};
    char signature[RIA_SIGNATURE_SIZE];
    RIA_AUTO(buf) canonical = {.max = (size_t)2 * RIA_SESSION_TOKEN_MAX};
    if (!ria_timestamp_format(now, scope.timestamp)) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_REFUSAL_CLOCK);
    }
    if (!add_canonical(&canonical, call, place, &scope, err) ||
        !ria_sigv4_sign(&scope, call->signer, &canonical, signature, err)) {
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
               : ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "STS");
}

/* -- the response --------------------------------------------------------------------------- */

static void set_identity(struct ria_fetch *fetch, const struct ria_buf *arn)
{
    (void)snprintf(
        fetch->result->identity,
        sizeof(fetch->result->identity),
        "%s",
        arn->len == 0 ? "" : arn->data);
    ria_printable(fetch->result->identity);
}

static bool sts_parse_identity(struct ria_fetch *fetch, const struct ria_buf *body)
{
    RIA_AUTO(buf) arn = {.max = sizeof(fetch->result->identity) - 1};
    const struct ria_xml_wanted wanted[] = {{"Arn", &arn}};
    if (!ria_xml_read(body, wanted, 1) || arn.len == 0) {
        return false;
    }
    set_identity(fetch, &arn);
    return true;
}

static bool sts_parse_credentials(
    struct ria_fetch *fetch, const struct ria_buf *body, struct ria_credentials *out)
{
    RIA_AUTO(buf) expiration = {.max = 64};
    RIA_AUTO(buf) arn = {.max = sizeof(fetch->result->identity) - 1};
    RIA_AUTO(credentials) found = RIA_CREDENTIALS_INIT;
    const struct ria_xml_wanted wanted[] = {
        {"AccessKeyId", &found.access_key_id},
        {"SecretAccessKey", &found.secret_access_key},
        {"SessionToken", &found.session_token},
        {"Expiration", &expiration},
        {"Arn", &arn},
    };
    if (!ria_xml_read(body, wanted, sizeof(wanted) / sizeof(wanted[0])) ||
        found.access_key_id.len == 0 || found.secret_access_key.len == 0 ||
        found.session_token.len == 0 || expiration.len == 0 ||
        !ria_timestamp_parse(expiration.data, &found.expires) ||
        !ria_credentials_are_plain(&found)) {
        return false;
    }
    set_identity(fetch, &arn);
    ria_credentials_move(out, &found);
    return true;
}

static void parse_fault(const struct ria_http_response *response, struct ria_sts_fault *out)
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

bool ria_sts_is_passing(const struct ria_sts_fault *fault)
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
        "IDPCommunicationError",
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strcmp(fault->code, codes[i]) == 0) {
            return true;
        }
    }
    return ria_fetch_is_transient(fault->status);
}

/* -- the call ------------------------------------------------------------------------------- */

enum attempt {
    DONE,
    AGAIN,
    GIVE_UP,
};

static enum attempt try_once(
    struct ria_fetch *fetch,
    const struct ria_sts_call *call,
    struct ria_credentials *out,
    struct ria_sts_fault *fault,
    struct ria_error *err)
{
    struct ria_fetch_service service;
    __attribute__((cleanup(release_headers))) struct signed_headers headers = {
        .token = {.max = RIA_SESSION_TOKEN_MAX + 64}, .authorization = {.max = 1024}};
    if (!ria_fetch_find_service(fetch, RIA_SERVICE_STS, call->region, &service, err) ||
        (call->signer != NULL &&
         !sts_sign(
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
    fault->result = ria_fetch_exchange(fetch, &request, &response, err);
    if (fault->result != RIA_HTTP_ANSWERED) {
        return ria_fetch_is_worth_another(fault->result, &response) ? AGAIN : GIVE_UP;
    }
    bool has_new_offset = ria_fetch_learn_offset(fetch, &response);
    if (response.status == 200 &&
        (call->has_no_credentials ? sts_parse_identity(fetch, &response.body)
                                  : sts_parse_credentials(fetch, &response.body, out))) {
        return DONE;
    }
    if (response.status == 200) {
        fault->result = RIA_HTTP_UNUSABLE;
        (void)ria_fail(
            err, RIA_E_CREDENTIALS, "%s: this is not an STS response", service.place.shown);
        return GIVE_UP;
    }
    parse_fault(&response, fault);
    return has_new_offset || ria_sts_is_passing(fault) ? AGAIN : GIVE_UP;
}

bool ria_sts_send(
    struct ria_fetch *fetch,
    const struct ria_sts_call *call,
    struct ria_credentials *out,
    struct ria_sts_fault *fault,
    struct ria_error *err)
{
    enum attempt attempt = AGAIN;
    int64_t left = ria_deadline_left(fetch->world, fetch->deadline);
    fault->result = RIA_HTTP_UNASKED;
    if (!ria_fetch_has_time(fetch, err)) {
        return false;
    }
    for (unsigned i = 0; attempt == AGAIN && i < RIA_FETCH_TRIES; i++) {
        if (i > 0 && !ria_fetch_pause(fetch, i)) {
            break;
        }
        attempt = try_once(fetch, call, out, fault, err);
    }
    if (fault->result == RIA_HTTP_NOBODY || fault->result == RIA_HTTP_SILENT) {
        ria_fetch_blame(fetch, left, err);
    }
    return attempt == DONE;
}

const char *ria_sts_advice(const struct ria_sts_fault *fault)
{
    static const struct {
        const char *code;
        const char *advice;
    } table[] = {
        {"AccessDenied", "check the role's trust policy"},
        {"ExpiredToken", "the credentials of the request have expired; get new ones"},
        {"ExpiredTokenException", "the token has expired; get a new one"},
        {"InvalidClientTokenId", "AWS does not know the access key; check it, and its account"},
        {"SignatureDoesNotMatch",
         "the secret key does not belong to the access key, or the clock "
         "is wrong"},
        {"RegionDisabledException", "activate STS in that region, or set another region"},
        {"PackedPolicyTooLarge", "send fewer or shorter session tags"},
        {"IDPRejectedClaim", "the identity provider rejects the token; get a new one"},
        {"InvalidIdentityToken",
         "compare the token's issuer, key and audience with the account's identity provider"},
        {"ValidationError", "fix what it names"},
    };
    if (strstr(fault->message, "MultiFactorAuthentication") != NULL) {
        return "enter the code that the device shows now; a code is valid for one call";
    }
    if (strstr(fault->message, "role chaining") != NULL) {
        return "a role that is assumed with another role's credentials lasts one hour at most: set "
               "duration_seconds to 3600 or less";
    }
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(fault->code, table[i].code) == 0) {
            return table[i].advice;
        }
    }
    return ria_sts_is_passing(fault) ? RIA_REMEDY_LATER : "see the STS API's list of errors";
}

bool ria_sts_fail_unanswered(
    const struct ria_setting *arn, const struct ria_sts_fault *fault, struct ria_error *err)
{
    return ria_fail_at(
        err,
        RIA_E_CREDENTIALS,
        arn,
        "%.128s could not be assumed, because STS %s: %s%s",
        arn->value,
        ria_http_predicate(fault->result),
        err->text,
        ria_http_remedy(fault->result));
}
