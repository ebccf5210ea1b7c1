/* SPDX-License-Identifier: MIT
 *
 * ES256, with the key of RFC 7515's example; OpenSSL verifies the signatures. Also base64url, with
 * the examples of RFC 4648, and the DPoP proof, which is made of ES256 and base64url. */
#include "codec/es256.h"

#include "fetch/document.h"
#include "fetch/dpop.h"
#include "unit.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

/* RFC 7515, appendix A.3: d of the JWK, in the form that `aws login` writes. */
static const char rfc_pem[] = "-----BEGIN EC PRIVATE KEY-----\n"
                              "MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\n"
                              "AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b\n"
                              "focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                              "-----END EC PRIVATE KEY-----\n";
static const char rfc_x[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
static const char rfc_y[] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

static void fill(struct ria_buf *out, const char *text)
{
    ria_buf_clear(out);
    ria_buf_add_text(out, text);
}

static void base64url_gives_the_examples(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {"f", "Zg"},
        {"fo", "Zm8"},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg"},
        {"fooba", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xfe", "-__-"},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        RIA_AUTO(buf) text = {.max = 64};
        ria_base64url_add(&text, rows[i][0], strlen(rows[i][0]));
        expect_text(rows[i][1], ria_buf_text(&text), rows[i][1]);
    }
}

static void the_public_point_of_a_key_is_computed(void **state)
{
    (void)state;
    RIA_AUTO(buf) pem = {.max = 4096};
    RIA_AUTO(buf) x = {.max = 64};
    RIA_AUTO(buf) y = {.max = 64};
    RIA_AUTO(es256_key) key = {0};
    struct ria_error err = {0};
    fill(&pem, rfc_pem);
    assert_true(ria_es256_read(&pem, &key, &err));
    ria_base64url_add(&x, key.x, sizeof(key.x));
    ria_base64url_add(&y, key.y, sizeof(key.y));
    assert_string_equal(ria_buf_text(&x), rfc_x);
    assert_string_equal(ria_buf_text(&y), rfc_y);
}

static bool is_good(
    struct ria_es256_key *key, const char *data, const uint8_t raw[RIA_ES256_SIGNATURE_LEN])
{
    ECDSA_SIG *numbers = ECDSA_SIG_new();
    unsigned char *der = NULL;
    assert_int_equal(
        ECDSA_SIG_set0(numbers, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL)), 1);
    int len = i2d_ECDSA_SIG(numbers, &der);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->key), 1);
    int response =
        EVP_DigestVerify(context, der, (size_t)len, (const unsigned char *)data, strlen(data));
    EVP_MD_CTX_free(context);
    ECDSA_SIG_free(numbers);
    OPENSSL_free(der);
    return response == 1;
}

/* Signs so often that the numbers of some signatures begin with a zero byte. */
static void signatures_are_valid(void **state)
{
    (void)state;
    RIA_AUTO(buf) pem = {.max = 4096};
    RIA_AUTO(es256_key) key = {0};
    struct ria_error err = {0};
    unsigned short_numbers = 0;
    fill(&pem, rfc_pem);
    assert_true(ria_es256_read(&pem, &key, &err));
    for (int i = 0; i < 2000; i++) {
        char data[32];
        uint8_t raw[RIA_ES256_SIGNATURE_LEN];
        (void)snprintf(data, sizeof(data), "message %d", i);
        assert_true(ria_es256_sign(&key, data, strlen(data), raw, &err));
        assert_true(is_good(&key, data, raw));
        short_numbers += raw[0] == 0 || raw[32] == 0 ? 1 : 0;
        raw[i % RIA_ES256_SIGNATURE_LEN] ^= 1U;
        assert_false(is_good(&key, data, raw));
    }
    assert_true(short_numbers > 0);
}

static void invalid_keys_are_rejected(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "x",
        "-----BEGIN EC PRIVATE KEY-----\n-----END EC PRIVATE KEY-----\n",
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEII6b\n-----END EC PRIVATE KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\n"
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
        "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
        "-----END PUBLIC KEY-----\n",
        /* with a password */
        "-----BEGIN EC PRIVATE KEY-----\n"
        "Proc-Type: 4,ENCRYPTED\n"
        "DEK-Info: AES-128-CBC,727D5C05482CBF1E4C865D8127F399E0\n"
        "\n"
        "EIrNgdYJ264xufXGM/DkiXawWqcIZ07bc3lVBxynYzBY5ZhoXOb95sKMwuOf+FO4\n"
        "JkY4DcMNFflFiDVLp9STrCcUqHVw8fwJ8E8wnqrjpRbup0mS5elsaKeA3feWO0Tv\n"
        "o0VDzYJpthDuCmjFY5JBjjmSJDwpJ1sUGGo+Q8XZu7A=\n"
        "-----END EC PRIVATE KEY-----\n",
        /* P-384, and Ed25519 */
        "-----BEGIN EC PRIVATE KEY-----\n"
        "MIGkAgEBBDB6uIG1d6Udl0PZ5DmIG6U6OOJNNWfOf22172G0g2J1Ci5f9UO+Bc0o\n"
        "FYsIil42FuSgBwYFK4EEACKhZANiAARs5Sx2aKaJNHNlTs3F7VocrziHCRQxroQ0\n"
        "8A/vAauz2jwNul1zIxk+jgqNEvVzFaTGh4fhUEdNrYxpwQ1FVM1CnhiC1efOJFNJ\n"
        "qDJhqHefeLtilkBecbNTSWJntMmtbGo=\n"
        "-----END EC PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VwBCIEIAIvdSF7wXFR1UkVjyz+/7zu0hHMyPyZctjwYKXRokJn\n"
        "-----END PRIVATE KEY-----\n",
    };
    for_each_row(row, rows, *row) {
        RIA_AUTO(buf) pem = {.max = 4096};
        RIA_AUTO(es256_key) key = {0};
        struct ria_error err = {0};
        fill(&pem, *row);
        expect(*row, !ria_es256_read(&pem, &key, &err));
        expect_text(*row, err.text, "is not a P-256 private key");
    }
}

static void a_proof_has_three_parts(void **state)
{
    (void)state;
    RIA_AUTO(buf) pem = {.max = 4096};
    RIA_AUTO(buf) header = {.max = RIA_DPOP_MAX};
    RIA_AUTO(buf) head = {.max = 1024};
    struct ria_error err = {0};
    fill(&pem, rfc_pem);
    assert_true(ria_dpop_header(&pem, "POST", "https://h/v1/token", 1787402096, &header, &err));
    ria_buf_add_text(&head, "DPoP: ");
    RIA_AUTO(buf) json = {.max = 1024};
    ria_buf_addf(
        &json,
        "{\"typ\": \"dpop+jwt\", \"alg\": \"ES256\", \"jwk\": {\"kty\": \"EC\", \"x\": \"%s\", "
        "\"y\": \"%s\", \"crv\": \"P-256\"}}",
        rfc_x,
        rfc_y);
    ria_base64url_add(&head, json.data, json.len);
    ria_buf_add_char(&head, '.');
    assert_int_equal(strncmp(header.data, head.data, head.len), 0);
    const char *signature = strrchr(header.data, '.') + 1;
    assert_int_equal(strlen(signature), 86);
    fill(&pem, "no key");
    assert_false(ria_dpop_header(&pem, "POST", "https://h/v1/token", 1, &header, &err));
    assert_string_equal(err.text, "the dpopKey of its token file is not a P-256 private key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64url_gives_the_examples),
        cmocka_unit_test(the_public_point_of_a_key_is_computed),
        cmocka_unit_test(signatures_are_valid),
        cmocka_unit_test(invalid_keys_are_rejected),
        cmocka_unit_test(a_proof_has_three_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
