/* SPDX-License-Identifier: MIT
 *
 * Signs with SigV4: four chained HMACs derive the signing key, and one HMAC with this key is the
 * signature. Fails if the digests are not available (codec/digest.h), if memory runs out, or if the
 * scope is too long. */
#include "aws/sigv4.h"

#include "base/messages.h"
#include "base/text.h"
#include "codec/percent.h"

#include <string.h>

static const char terminator[] = "aws4_request";

char *ria_sigv4_write_scope(const struct ria_sigv4_scope *scope, char *at)
{
    size_t region_len = strlen(scope->region);
    size_t service_len = strlen(scope->service);
    if (region_len + service_len > RIA_SIGV4_SCOPE_MAX - RIA_DATE_LEN - sizeof("///aws4_request")) {
        return NULL;
    }
    at = ria_text_put(at, scope->timestamp, RIA_DATE_LEN);
    *at++ = '/';
    at = ria_text_put(at, scope->region, region_len);
    *at++ = '/';
    at = ria_text_put(at, scope->service, service_len);
    *at++ = '/';
    return RIA_TEXT_PUT(at, terminator);
}

void ria_sigv4_add_scope(struct ria_buf *out, const struct ria_sigv4_scope *scope)
{
    char text[RIA_SIGV4_SCOPE_MAX];
    const char *end = ria_sigv4_write_scope(scope, text);
    ria_buf_add(out, text, end == NULL ? SIZE_MAX : (size_t)(end - text));
}

bool ria_sigv4_derive(
    const struct ria_sigv4_scope *scope,
    const struct ria_credentials *credentials,
    struct ria_sigv4_key *out,
    struct ria_error *err)
{
    const struct ria_digest_part chain[] = {
        {scope->timestamp, RIA_DATE_LEN},
        {scope->region, strlen(scope->region)},
        {scope->service, strlen(scope->service)},
        {terminator, sizeof(terminator) - 1},
    };
    char room[RIA_SECRET_ACCESS_KEY_MAX + 5];
    RIA_AUTO(buf) secret = RIA_BUF_IN(room, sizeof(room) - 1);
    ria_buf_add_text(&secret, "AWS4");
    ria_buf_add(&secret, credentials->secret_access_key.data, credentials->secret_access_key.len);
    if (secret.failed) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a signature");
    }
    return ria_hmac_sha256(
        secret.data, secret.len, chain, sizeof(chain) / sizeof(chain[0]), out->bytes, err);
}

/* Writes the string to sign: algorithm, time, scope, and the hash of the canonical request. Returns
 * a pointer to the byte after the string, or NULL if the scope is too long. */
static char *write_string_to_sign(
    const struct ria_sigv4_scope *scope, const uint8_t hash[RIA_SHA256_LEN], char *at)
{
    at = RIA_TEXT_PUT(at, RIA_SIGV4_ALGORITHM "\n");
    at = ria_text_put(at, scope->timestamp, RIA_TIMESTAMP_SIZE - 1);
    *at++ = '\n';
    at = ria_sigv4_write_scope(scope, at);
    if (at == NULL) {
        return NULL;
    }
    *at++ = '\n';
    ria_hex_write(hash, RIA_SHA256_LEN, at);
    return at + (RIA_SIGNATURE_SIZE - 1);
}

bool ria_sigv4_sign(
    const struct ria_sigv4_scope *scope,
    const struct ria_sigv4_key *key,
    const struct ria_digest_part *canonical_request,
    size_t count,
    char signature[RIA_SIGNATURE_SIZE],
    struct ria_error *err)
{
    RIA_AUTO(digest) digest = {0};
    uint8_t sum[RIA_SHA256_LEN];
    if (!ria_digest_open(&digest, err) ||
        !ria_digest_sha256(&digest, canonical_request, count, sum, err)) {
        return false;
    }
    char text[RIA_SIGV4_SCOPE_MAX + 128];
    const char *end = write_string_to_sign(scope, sum, text);
    if (end == NULL) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_REFUSAL_TOKEN_SIZE);
    }
    const struct ria_digest_part message = {text, (size_t)(end - text)};
    const struct ria_digest_part with = {key->bytes, sizeof(key->bytes)};
    bool ok = ria_digest_hmac(&digest, &with, &message, 1, sum, err);
    if (ok) {
        ria_hex_write(sum, sizeof(sum), signature);
    }
    explicit_bzero(sum, sizeof(sum));
    return ok;
}
