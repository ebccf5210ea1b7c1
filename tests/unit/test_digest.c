/* SPDX-License-Identifier: MIT
 *
 * SHA-256 is tested with the examples of FIPS 180-2 (appendix B) and the empty message, and HMAC
 * with those examples of RFC 4231 whose result is not truncated. For every key length from 0 to 300
 * bytes, HMAC is also compared with OpenSSL's function HMAC(); a block has 64 bytes. */
#include "codec/digest.h"

#include "base/buf.h"
#include "codec/percent.h"
#include "unit.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

static void expect_hex(const char *message, const uint8_t digest[RIA_SHA256_LEN], const char *want)
{
    RIA_AUTO(buf) hex = {.max = 64};
    ria_hex_add(&hex, digest, RIA_SHA256_LEN);
    expect_text(message, ria_buf_text(&hex), want);
}

static void sha256_gives_the_standards_examples(void **state)
{
    (void)state;
    static char million[1000000];
    memset(million, 'a', sizeof(million));
    const struct {
        const char *name;
        const char *data;
        size_t len;
        const char *want;
    } rows[] = {
        {"nothing", "", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"one block", "abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"two blocks",
         "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         56,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"a million times a",
         million,
         sizeof(million),
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    for_each_row(row, rows, row->name) {
        uint8_t got[RIA_SHA256_LEN];
        struct ria_error err;
        expect(row->name, ria_sha256(row->data, row->len, got, &err));
        expect_hex(row->name, got, row->want);
    }
}

static void hmac_gives_the_results_of_rfc_4231(void **state)
{
    (void)state;
    static const char large[] =
        "This is a test using a larger than block-size key and a larger than "
        "block-size data. The key needs to be hashed before being used by "
        "the HMAC algorithm.";
    static const char first[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    char aa[131];
    char dd[50];
    char cd[50];
    char counted[25];
    memset(aa, 0xaa, sizeof(aa));
    memset(dd, 0xdd, sizeof(dd));
    memset(cd, 0xcd, sizeof(cd));
    for (size_t i = 0; i < sizeof(counted); i++) {
        counted[i] = (char)(i + 1);
    }
    const struct {
        const char *name;
        const char *key;
        size_t key_len;
        const char *data;
        size_t len;
        const char *want;
    } rows[] = {
        {"case 1",
         "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b",
         20,
         "Hi There",
         8,
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"case 2: a key shorter than the digest",
         "Jefe",
         4,
         "what do ya want for nothing?",
         28,
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"case 3: key and data, together longer than a block",
         aa,
         20,
         dd,
         50,
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {"case 4",
         counted,
         25,
         cd,
         50,
         "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
        {"case 6: a key longer than a block",
         aa,
         131,
         first,
         sizeof(first) - 1,
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {"case 7: key and data, each longer than a block",
         aa,
         131,
         large,
         sizeof(large) - 1,
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    };
    for_each_row(row, rows, row->name) {
        const struct ria_digest_part message = {row->data, row->len};
        uint8_t got[RIA_SHA256_LEN];
        struct ria_error err;
        expect(row->name, ria_hmac_sha256(row->key, row->key_len, &message, 1, got, &err));
        expect_hex(row->name, got, row->want);
    }
}

static void hmac_agrees_with_openssl_for_every_length_of_the_key(void **state)
{
    (void)state;
    uint8_t key[300];
    for (size_t i = 0; i < sizeof(key); i++) {
        key[i] = (uint8_t)(i * 37);
    }
    for (size_t len = 0; len <= sizeof(key); len++) {
        uint8_t got[RIA_SHA256_LEN];
        uint8_t want[EVP_MAX_MD_SIZE];
        unsigned want_len = 0;
        struct ria_error err;
        const struct ria_digest_part message = {key, sizeof(key) - len};
        assert_true(ria_hmac_sha256(key, len, &message, 1, got, &err));
        assert_non_null(HMAC(EVP_sha256(), key, (int)len, key, sizeof(key) - len, want, &want_len));
        assert_int_equal(want_len, RIA_SHA256_LEN);
        assert_memory_equal(got, want, RIA_SHA256_LEN);
    }
}

static void the_result_may_overwrite_the_key(void **state)
{
    (void)state;
    uint8_t key[RIA_SHA256_LEN] = "0123456789abcdef0123456789abcde";
    uint8_t apart[RIA_SHA256_LEN];
    struct ria_error err;
    const struct ria_digest_part message = {"data", 4};
    assert_true(ria_hmac_sha256(key, sizeof(key), &message, 1, apart, &err));
    assert_true(ria_hmac_sha256(key, sizeof(key), &message, 1, key, &err));
    assert_memory_equal(key, apart, sizeof(key));
}

static void each_hmac_of_a_chain_is_the_key_of_the_next(void **state)
{
    (void)state;
    static const struct ria_digest_part messages[] = {{"one", 3}, {"", 0}, {"three", 5}};
    uint8_t got[RIA_SHA256_LEN];
    uint8_t want[RIA_SHA256_LEN];
    struct ria_error err;
    assert_true(ria_hmac_sha256("key", 3, messages, RIA_COUNT(messages), got, &err));
    assert_true(ria_hmac_sha256("key", 3, &messages[0], 1, want, &err));
    assert_true(ria_hmac_sha256(want, sizeof(want), &messages[1], 1, want, &err));
    assert_memory_not_equal(got, want, sizeof(want));
    assert_true(ria_hmac_sha256(want, sizeof(want), &messages[2], 1, want, &err));
    assert_memory_equal(got, want, sizeof(want));
}

static void two_open_contexts_do_not_disturb_each_other(void **state)
{
    (void)state;
    static const struct ria_digest_part abc = {"abc", 3};
    static const struct ria_digest_part empty = {"", 0};
    uint8_t want[2][RIA_SHA256_LEN];
    uint8_t got[RIA_SHA256_LEN];
    struct ria_error err;
    assert_true(ria_sha256("abc", 3, want[0], &err));
    assert_true(ria_sha256("", 0, want[1], &err));
    for (int round = 0; round < 3; round++) {
        RIA_AUTO(digest) one = {0};
        RIA_AUTO(digest) other = {0};
        assert_true(ria_digest_open(&one, &err));
        assert_true(ria_digest_open(&other, &err));
        assert_ptr_not_equal(one.ctx, other.ctx);
        assert_true(ria_digest_sha256(&one, &abc, 1, got, &err));
        assert_memory_equal(got, want[0], sizeof(got));
        assert_true(ria_digest_sha256(&other, &empty, 1, got, &err));
        assert_memory_equal(got, want[1], sizeof(got));
        ria_digest_release(&one);
        assert_null(one.ctx);
        assert_true(ria_digest_sha256(&other, &abc, 1, got, &err));
        assert_memory_equal(got, want[0], sizeof(got));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_standards_examples),
        cmocka_unit_test(hmac_gives_the_results_of_rfc_4231),
        cmocka_unit_test(hmac_agrees_with_openssl_for_every_length_of_the_key),
        cmocka_unit_test(the_result_may_overwrite_the_key),
        cmocka_unit_test(each_hmac_of_a_chain_is_the_key_of_the_next),
        cmocka_unit_test(two_open_contexts_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
