/* SPDX-License-Identifier: MIT
 *
 * Digests and signatures if a function of OpenSSL fails: the message names the failure, nothing is
 * computed, and the next call succeeds. codec/digest.c checks OpenSSL before each
 * digest until a check has succeeded, so the tests of this check run first. */
#include "base/object.h"
#include "codec/digest.h"
#include "codec/es256.h"

#include "unit.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

/* The call that fails, and how many such calls succeed before. */
static struct {
    const char *call;
    unsigned skipped;
    bool is_wrong; /* the call succeeds with a wrong result */
} fault;

static bool is_meant(const char *call)
{
    if (fault.call == NULL || strcmp(fault.call, call) != 0) {
        return false;
    }
    if (fault.skipped > 0) {
        fault.skipped--;
        return false;
    }
    fault.call = NULL;
    return true;
}

/* The linker replaces these functions with the functions of this file. */
#define WRAPPED(result, failure, name, parameters, arguments)                                      \
    result __real_##name parameters;                                                               \
    result __wrap_##name parameters;                                                               \
    result __wrap_##name parameters                                                                \
    {                                                                                              \
        return is_meant(#name) ? (failure) : __real_##name arguments;                              \
    }

static bool (*other_thread)(void); /* what another thread does during the next EVP_MD_fetch() */

EVP_MD *__real_EVP_MD_fetch(OSSL_LIB_CTX *library, const char *name, const char *properties);
EVP_MD *__wrap_EVP_MD_fetch(OSSL_LIB_CTX *library, const char *name, const char *properties);
EVP_MD *__wrap_EVP_MD_fetch(OSSL_LIB_CTX *library, const char *name, const char *properties)
{
    bool (*other)(void) = other_thread;
    other_thread = NULL;
    if (other != NULL) {
        assert_true(other());
    }
    return is_meant("EVP_MD_fetch") ? NULL : __real_EVP_MD_fetch(library, name, properties);
}

WRAPPED(EVP_MD_CTX *, NULL, EVP_MD_CTX_new, (void), ())
WRAPPED(
    int, 0, EVP_DigestInit_ex, (EVP_MD_CTX * ctx, const EVP_MD *md, ENGINE *impl), (ctx, md, impl))
WRAPPED(
    int, 0, EVP_DigestUpdate, (EVP_MD_CTX * ctx, const void *data, size_t len), (ctx, data, len))
WRAPPED(
    int,
    0,
    EVP_Digest,
    (const void *data,
     size_t len,
     unsigned char *out,
     unsigned *out_len,
     const EVP_MD *md,
     ENGINE *impl),
    (data, len, out, out_len, md, impl))
WRAPPED(BIO *, NULL, BIO_new_mem_buf, (const void *data, int len), (data, len))
WRAPPED(
    int,
    0,
    EVP_PKEY_get_bn_param,
    (const EVP_PKEY *key, const char *name, BIGNUM **out),
    (key, name, out))
WRAPPED(
    int, -1, BN_bn2binpad, (const BIGNUM *number, unsigned char *out, int len), (number, out, len))
WRAPPED(
    int,
    0,
    EVP_DigestSignInit,
    (EVP_MD_CTX * ctx, EVP_PKEY_CTX **key_ctx, const EVP_MD *md, ENGINE *impl, EVP_PKEY *key),
    (ctx, key_ctx, md, impl, key))
WRAPPED(
    int,
    0,
    EVP_DigestSign,
    (EVP_MD_CTX * ctx, unsigned char *out, size_t *out_len, const unsigned char *data, size_t len),
    (ctx, out, out_len, data, len))
WRAPPED(
    ECDSA_SIG *,
    NULL,
    d2i_ECDSA_SIG,
    (ECDSA_SIG * *out, const unsigned char **der, long len),
    (out, der, len))

int __real_EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *out, unsigned *len);
int __wrap_EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *out, unsigned *len);
int __wrap_EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *out, unsigned *len)
{
    bool is_ours = is_meant("EVP_DigestFinal_ex");
    int result = is_ours && !fault.is_wrong ? 0 : __real_EVP_DigestFinal_ex(ctx, out, len);
    out[0] ^= is_ours && fault.is_wrong ? 1U : 0U;
    return result;
}

/* For the check that all functions of OpenSSL are in one object: the functions of this file count
 * as functions of libcrypto. */
bool __real_ria_object_at(uintptr_t address, struct ria_object *out);
bool __wrap_ria_object_at(uintptr_t address, struct ria_object *out);
bool __wrap_ria_object_at(uintptr_t address, struct ria_object *out)
{
    return !is_meant("ria_object_at") && __real_ria_object_at(address, out);
}

bool __wrap_ria_object_contains(const struct ria_object *object, uintptr_t address);
bool __wrap_ria_object_contains(const struct ria_object *object, uintptr_t address)
{
    (void)object;
    (void)address;
    return !is_meant("ria_object_contains");
}

static void set_fault(const char *call, unsigned skipped, bool is_wrong)
{
    fault.call = call;
    fault.skipped = skipped;
    fault.is_wrong = is_wrong;
}

/* -- digests --------------------------------------------------------------------------------- */

enum kind {
    OF_SHA256,
    OF_SHA1,
    OF_HMAC,
    OF_LONG_HMAC,
};

static bool compute(enum kind kind, uint8_t out[RIA_SHA256_LEN], struct ria_error *err)
{
    static const struct ria_digest_part abc = {"abc", 3};
    static const char key[65] = "k";
    switch (kind) {
    case OF_SHA256:
        return ria_sha256("abc", 3, out, err);
    case OF_SHA1:
        return ria_sha1("abc", 3, out, err);
    case OF_HMAC:
        return ria_hmac_sha256(key, 1, &abc, 1, out, err);
    case OF_LONG_HMAC:
        return ria_hmac_sha256(key, sizeof(key), &abc, 1, out, err);
    }
    return false;
}

static void expect_failure(const char *message, enum kind kind, const char *text)
{
    static const uint8_t untouched[RIA_SHA256_LEN] = {1, 2, 3};
    uint8_t out[RIA_SHA256_LEN];
    struct ria_error err = {0};
    memcpy(out, untouched, sizeof(out));
    expect(message, !compute(kind, out, &err));
    expect(message, fault.call == NULL);
    expect_number(message, err.code, RIA_E_CRYPTO);
    expect_piece(message, err.text, text);
    expect(message, memcmp(out, untouched, sizeof(out)) == 0);
}

/* Runs first: afterwards the process has a checked OpenSSL. */
static void openssl_is_checked_until_a_check_succeeds(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum kind kind;
        const char *call;
        unsigned skipped;
        bool is_wrong;
        const char *text;
    } rows[] = {
        {"no object",
         OF_SHA256,
         "ria_object_at",
         0,
         false,
         "cannot find the library that contains"},
        {"a function in another object",
         OF_SHA256,
         "ria_object_contains",
         3,
         false,
         "OpenSSL's functions come from both "},
        {"no SHA-256", OF_SHA256, "EVP_MD_fetch", 0, false, "OpenSSL offers no SHA-256; check the"},
        {"no SHA-256 for SHA-1", OF_SHA1, "EVP_MD_fetch", 0, false, "OpenSSL offers no SHA-256"},
        {"no memory", OF_SHA256, "EVP_MD_CTX_new", 0, false, "OpenSSL has no memory for a digest"},
        {"no digest",
         OF_SHA256,
         "EVP_DigestInit_ex",
         0,
         false,
         "OpenSSL could not compute an HMAC"},
        {"no data", OF_SHA256, "EVP_DigestUpdate", 1, false, "OpenSSL could not compute an HMAC"},
        {"no result",
         OF_SHA256,
         "EVP_DigestFinal_ex",
         1,
         false,
         "OpenSSL could not compute an HMAC"},
        {"a wrong result",
         OF_SHA256,
         "EVP_DigestFinal_ex",
         1,
         true,
         "OpenSSL computes a wrong HMAC in this program, so nothing is signed with it"},
    };
    for_each_row(row, rows, row->name) {
        set_fault(row->call, row->skipped, row->is_wrong);
        expect_failure(row->name, row->kind, row->text);
    }
}

static bool is_right(void)
{
    static const uint8_t first[] = {0xba, 0x78, 0x16, 0xbf}; /* of FIPS 180-4 */
    uint8_t out[RIA_SHA256_LEN];
    struct ria_error err;
    return compute(OF_SHA256, out, &err) && memcmp(out, first, sizeof(first)) == 0;
}

/* Runs second: no check has succeeded before. */
static void two_threads_can_check_openssl_at_the_same_time(void **state)
{
    (void)state;
    other_thread = is_right;
    assert_true(is_right());
    assert_null(other_thread);
    assert_true(is_right());
}

static void a_failed_digest_has_a_message_and_the_next_succeeds(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum kind kind;
        const char *call;
        unsigned skipped;
        const char *text;
    } rows[] = {
        {"no memory", OF_SHA256, "EVP_MD_CTX_new", 0, "OpenSSL has no memory for a digest"},
        {"no digest", OF_SHA256, "EVP_DigestInit_ex", 0, "OpenSSL could not compute a SHA-256"},
        {"no data", OF_SHA256, "EVP_DigestUpdate", 0, "OpenSSL could not compute a SHA-256"},
        {"no result", OF_SHA256, "EVP_DigestFinal_ex", 0, "OpenSSL could not compute a SHA-256"},
        {"an HMAC without memory",
         OF_HMAC,
         "EVP_MD_CTX_new",
         0,
         "OpenSSL has no memory for a digest"},
        {"the inner digest", OF_HMAC, "EVP_DigestFinal_ex", 0, "OpenSSL could not compute an HMAC"},
        {"the outer digest", OF_HMAC, "EVP_DigestFinal_ex", 1, "OpenSSL could not compute an HMAC"},
        {"the digest of a key",
         OF_LONG_HMAC,
         "EVP_DigestFinal_ex",
         0,
         "OpenSSL could not compute an HMAC"},
        {"no SHA-1", OF_SHA1, "EVP_MD_fetch", 0, "OpenSSL could not compute a SHA-1"},
        {"a failed SHA-1", OF_SHA1, "EVP_Digest", 0, "OpenSSL could not compute a SHA-1"},
    };
    uint8_t want[RIA_SHA256_LEN];
    struct ria_error err;
    assert_true(compute(OF_SHA256, want, &err));
    for_each_row(row, rows, row->name) {
        uint8_t out[RIA_SHA256_LEN];
        set_fault(row->call, row->skipped, false);
        expect_failure(row->name, row->kind, row->text);
        expect("the next call", compute(row->kind, out, &err));
        expect("the next digest", compute(OF_SHA256, out, &err));
        expect("the next digest", memcmp(out, want, sizeof(out)) == 0);
    }
}

/* -- signatures ------------------------------------------------------------------------------ */

/* The key of RFC 7515, appendix A.3. */
static const char pem_text[] = "-----BEGIN EC PRIVATE KEY-----\n"
                               "MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\n"
                               "AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b\n"
                               "focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                               "-----END EC PRIVATE KEY-----\n";

static void a_key_that_openssl_cannot_read_is_rejected(void **state)
{
    (void)state;
    static const struct {
        const char *call;
        unsigned skipped;
    } rows[] = {
        {"BIO_new_mem_buf", 0},
        {"EVP_PKEY_get_bn_param", 0},
        {"EVP_PKEY_get_bn_param", 1},
        {"BN_bn2binpad", 0},
        {"BN_bn2binpad", 1},
    };
    RIA_AUTO(buf) pem = {.max = 4096};
    ria_buf_add_text(&pem, pem_text);
    for_each_row(row, rows, row->call) {
        RIA_AUTO(es256_key) key = {0};
        struct ria_error err = {0};
        set_fault(row->call, row->skipped, false);
        expect(row->call, !ria_es256_read(&pem, &key, &err));
        expect(row->call, fault.call == NULL && key.key == NULL);
        expect_text(row->call, err.text, "is not a P-256 private key");
        expect("control: the next call", ria_es256_read(&pem, &key, &err));
    }
}

static void a_failed_signature_has_a_message(void **state)
{
    (void)state;
    static const struct {
        const char *call;
        unsigned skipped;
    } rows[] = {
        {"EVP_MD_CTX_new", 0},
        {"EVP_DigestSignInit", 0},
        {"EVP_DigestSign", 0},
        {"d2i_ECDSA_SIG", 0},
        {"BN_bn2binpad", 0},
        {"BN_bn2binpad", 1},
    };
    RIA_AUTO(buf) pem = {.max = 4096};
    RIA_AUTO(es256_key) key = {0};
    struct ria_error err = {0};
    uint8_t out[RIA_ES256_SIGNATURE_LEN];
    ria_buf_add_text(&pem, pem_text);
    assert_true(ria_es256_read(&pem, &key, &err));
    for_each_row(row, rows, row->call) {
        set_fault(row->call, row->skipped, false);
        expect(row->call, !ria_es256_sign(&key, "abc", 3, out, &err));
        expect(row->call, fault.call == NULL);
        expect_text(row->call, err.text, "OpenSSL could not sign with the key");
        expect("control: the next call", ria_es256_sign(&key, "abc", 3, out, &err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_is_checked_until_a_check_succeeds),
        cmocka_unit_test(two_threads_can_check_openssl_at_the_same_time),
        cmocka_unit_test(a_failed_digest_has_a_message_and_the_next_succeeds),
        cmocka_unit_test(a_key_that_openssl_cannot_read_is_rejected),
        cmocka_unit_test(a_failed_signature_has_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
