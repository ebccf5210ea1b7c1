/* SPDX-License-Identifier: MIT
 *
 * Builds and signs a DPoP proof:
 *
 *   base64url(header) . base64url(claims) . base64url(signature of the part before the last dot)
 *
 * Rejects a key that is not an EC key on P-256. */
#include "fetch/dpop.h"

#include "base/messages.h"
#include "codec/es256.h"
#include "fetch/document.h"

#include <string.h>
#include <sys/random.h>

static const char header_name[] = "DPoP: ";

/* Appends the header. Its members are in the order that the AWS SDKs use. */
static void dpop_add_head(struct ria_buf *out, const struct ria_es256_key *key)
{
    RIA_AUTO(buf) text = {.max = 512};
    ria_buf_add_text(
        &text, "{\"typ\": \"dpop+jwt\", \"alg\": \"ES256\", \"jwk\": {\"kty\": \"EC\", \"x\": \"");
    ria_base64url_add(&text, key->x, sizeof(key->x));
    ria_buf_add_text(&text, "\", \"y\": \"");
    ria_base64url_add(&text, key->y, sizeof(key->y));
    ria_buf_add_text(&text, "\", \"crv\": \"P-256\"}}");
    ria_base64url_add(out, text.data, text.len);
}

/* Appends a random UUID (RFC 4122, version 4). */
static bool add_uuid(struct ria_buf *out)
{
    uint8_t bytes[16];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        return false;
    }
    bytes[6] = (uint8_t)((bytes[6] & 0x0fU) | 0x40U);
    bytes[8] = (uint8_t)((bytes[8] & 0x3fU) | 0x80U);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        ria_buf_addf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
    }
    return true;
}

static bool add_claims(struct ria_buf *out, const char *method, const char *url, int64_t now)
{
    RIA_AUTO(document) claims = {0};
    RIA_AUTO(buf) text = {.max = RIA_DPOP_MAX};
    RIA_AUTO(buf) uuid = {.max = 64};
    ria_buf_addf(&text, "{\"iat\": %lld}", (long long)now);
    if (!ria_document_read(&text, &claims) || !add_uuid(&uuid) || ria_buf_text(&uuid) == NULL ||
        !ria_document_set(&claims, NULL, "htm", method) ||
        !ria_document_set(&claims, NULL, "htu", url) ||
        !ria_document_set(&claims, NULL, "jti", uuid.data)) {
        return false;
    }
    ria_buf_clear(&text);
    if (!ria_document_write(&claims, &text)) {
        return false;
    }
    ria_base64url_add(out, text.data, text.len);
    return true;
}

bool ria_dpop_header(
    const struct ria_buf *pem,
    const char *method,
    const char *url,
    int64_t now,
    struct ria_buf *out,
    struct ria_error *err)
{
    RIA_AUTO(es256_key) key = {0};
    RIA_AUTO(buf) token = {.max = RIA_DPOP_MAX};
    uint8_t signature[RIA_ES256_SIGNATURE_LEN];
    struct ria_error why;
    if (!ria_es256_read(pem, &key, &why)) {
        return ria_fail(err, RIA_E_NO_CREDENTIALS, "the dpopKey of its token file %s", why.text);
    }
    dpop_add_head(&token, &key);
    ria_buf_add_char(&token, '.');
    if (!add_claims(&token, method, url, now) || ria_buf_text(&token) == NULL) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "sign-in");
    }
    if (!ria_es256_sign(&key, token.data, token.len, signature, err)) {
        return false;
    }
    ria_buf_add_char(&token, '.');
    ria_base64url_add(&token, signature, sizeof(signature));
    ria_buf_add_text(out, header_name);
    ria_buf_add(out, token.data, token.len);
    return ria_buf_text(out) != NULL || ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "sign-in");
}
