/* SPDX-License-Identifier: MIT
 *
 * Parses P-256 keys, makes ES256 signatures, and encodes base64url. OpenSSL returns a signature as
 * a DER sequence of two numbers; this file extracts the numbers. Rejects a key of another curve, a
 * public key, and a key that needs a password.
 */
#include "codec/es256.h"

#include "base/ascii.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

enum {
    DER_MAX = 80 /* a sequence of two numbers of up to 33 bytes has at most 72 bytes */
};

/* Called by OpenSSL for the password of a key. Always fails, because rds-iam-fetch cannot ask for
 * a password. */
static int no_password(char *out, int size, int is_writing, void *self)
{
    (void)is_writing;
    (void)self;
    if (size > 0) {
        out[0] = '\0';
    }
    return -1;
}

/* Writes a coordinate of the public point as 32 big-endian bytes. */
static bool get_number(const EVP_PKEY *key, const char *name, uint8_t out[RIA_ES256_NUMBER_LEN])
{
    BIGNUM *number = NULL;
    bool ok = EVP_PKEY_get_bn_param(key, name, &number) == 1 &&
              BN_bn2binpad(number, out, RIA_ES256_NUMBER_LEN) == RIA_ES256_NUMBER_LEN;
    BN_free(number);
    return ok;
}

static bool is_p256(const EVP_PKEY *key)
{
    char group[32] = "";
    return EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

bool ria_es256_read(const struct ria_buf *pem, struct ria_es256_key *out, struct ria_error *err)
{
    BIO *bio = pem->len > INT32_MAX ? NULL : BIO_new_mem_buf(pem->data, (int)pem->len);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    (void)BIO_free(bio);
    if (key == NULL || !is_p256(key) || !get_number(key, OSSL_PKEY_PARAM_EC_PUB_X, out->x) ||
        !get_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, out->y)) {
        EVP_PKEY_free(key);
        return ria_fail(err, RIA_E_CREDENTIALS, "is not a P-256 private key");
    }
    out->key = key;
    return true;
}

/* Writes r and s of a DER signature as 32 big-endian bytes each. */
static bool extract_numbers(const uint8_t *der, size_t len, uint8_t out[RIA_ES256_SIGNATURE_LEN])
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool ok = signature != NULL &&
              BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, RIA_ES256_NUMBER_LEN) ==
                  RIA_ES256_NUMBER_LEN &&
              BN_bn2binpad(
                  ECDSA_SIG_get0_s(signature), out + RIA_ES256_NUMBER_LEN, RIA_ES256_NUMBER_LEN) ==
                  RIA_ES256_NUMBER_LEN;
    ECDSA_SIG_free(signature);
    return ok;
}

bool ria_es256_sign(
    const struct ria_es256_key *key,
    const void *data,
    size_t len,
    uint8_t out[RIA_ES256_SIGNATURE_LEN],
    struct ria_error *err)
{
    uint8_t der[DER_MAX];
    size_t der_len = sizeof(der);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context != NULL &&
              EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->key) == 1 &&
              EVP_DigestSign(context, der, &der_len, data, len) == 1 &&
              extract_numbers(der, der_len, out);
    EVP_MD_CTX_free(context);
    return ok || ria_fail(err, RIA_E_CRYPTO, "OpenSSL could not sign with the key");
}

void ria_es256_key_release(struct ria_es256_key *key)
{
    EVP_PKEY_free(key->key);
    key->key = NULL;
}

/* Encodes three bytes as four characters in each step of the outer loop. In the last step, one or
 * two remaining bytes become two or three characters. */
void ria_base64url_add(struct ria_buf *out, const void *bytes, size_t len)
{
    static const char digits[] = RIA_ALNUM "-_";
    const uint8_t *in = bytes;
    for (size_t at = 0; at < len; at += 3) {
        size_t count = len - at < 3 ? len - at : 3;
        uint32_t group = 0;
        for (size_t i = 0; i < 3; i++) {
            group = group << 8U | (i < count ? in[at + i] : 0U);
        }
        for (unsigned i = 0; i <= count; i++) {
            ria_buf_add_char(out, digits[group >> (18 - 6 * i) & 0x3fU]);
        }
    }
}
