/* SPDX-License-Identifier: MIT
 *
 * Signs with SigV4: four chained HMACs derive the signing key, and a fifth is the signature. Fails
 * if the digests are not available (codec/digest.h), or if memory runs out. */
#include "aws/sigv4.h"

#include "base/messages.h"
#include "codec/digest.h"
#include "codec/percent.h"

#include <string.h>

/* A scope contains a date, a region and a service, so 256 bytes are always enough. */
enum {
    SCOPE_MAX = 256,
    STRING_TO_SIGN_MAX = SCOPE_MAX + 128,
};

static const char terminator[] = "aws4_request";

void ria_sigv4_add_scope(struct ria_buf *out, const struct ria_sigv4_scope *scope)
{
    const char *const parts[] = {scope->region, scope->service, terminator};
    ria_buf_add(out, scope->timestamp, RIA_DATE_LEN);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        ria_buf_add_char(out, '/');
        ria_buf_add_text(out, parts[i]);
    }
}

/* Computes the signature as one chain of HMACs. The string to sign is the last message. */
static bool compute(
    const struct ria_sigv4_scope *scope,
    const struct ria_credentials *credentials,
    const struct ria_buf *text,
    uint8_t out[RIA_SHA256_LEN],
    struct ria_error *err)
{
    const struct ria_digest_part chain[] = {
        {scope->timestamp, RIA_DATE_LEN},
        {scope->region, strlen(scope->region)},
        {scope->service, strlen(scope->service)},
        {terminator, sizeof(terminator) - 1},
        {text->data, text->len},
    };
    RIA_AUTO(buf) secret = {.max = RIA_SECRET_ACCESS_KEY_MAX + 4};
    ria_buf_add_text(&secret, "AWS4");
    ria_buf_add(&secret, credentials->secret_access_key.data, credentials->secret_access_key.len);
    if (ria_buf_text(&secret) == NULL) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a signature");
    }
    return ria_hmac_sha256(
        secret.data, secret.len, chain, sizeof(chain) / sizeof(chain[0]), out, err);
}

/* Appends the string to sign: algorithm, time, scope, and the hash of the canonical request. */
static bool add_string_to_sign(
    struct ria_buf *out,
    const struct ria_sigv4_scope *scope,
    const struct ria_buf *canonical_request,
    struct ria_error *err)
{
    uint8_t hash[RIA_SHA256_LEN];
    if (!ria_sha256(canonical_request->data, canonical_request->len, hash, err)) {
        return false;
    }
    ria_buf_add_text(out, RIA_SIGV4_ALGORITHM "\n");
    ria_buf_add_text(out, scope->timestamp);
    ria_buf_add_char(out, '\n');
    ria_sigv4_add_scope(out, scope);
    ria_buf_add_char(out, '\n');
    ria_hex_add(out, hash, sizeof(hash));
    if (ria_buf_text(out) == NULL) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a signature");
    }
    return true;
}

bool ria_sigv4_sign(
    const struct ria_sigv4_scope *scope,
    const struct ria_credentials *credentials,
    const struct ria_buf *canonical_request,
    char signature[RIA_SIGNATURE_SIZE],
    struct ria_error *err)
{
    RIA_AUTO(buf) text = {.max = STRING_TO_SIGN_MAX};
    if (!add_string_to_sign(&text, scope, canonical_request, err)) {
        return false;
    }
    uint8_t mac[RIA_SHA256_LEN];
    bool ok = compute(scope, credentials, &text, mac, err);
    if (ok) {
        ria_hex_write(mac, sizeof(mac), signature);
    }
    explicit_bzero(mac, sizeof(mac));
    return ok;
}
