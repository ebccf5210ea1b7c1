/* SPDX-License-Identifier: MIT
 *
 * Computes digests with OpenSSL's SHA-256, which is looked up once (EVP_MD_fetch()). HMAC is
 * implemented here from two digests. This HMAC needs no second lookup, and is three times as fast
 * as EVP_MAC for short messages such as those of SigV4. Refuses every computation if the OpenSSL
 * functions in list_functions() come from more than one loaded object (the program or a library).
 */
#include "codec/digest.h"

#include "base/object.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

enum {
    BLOCK_LEN = 64
};

static EVP_MD *sha256; /* NULL until OpenSSL has passed the checks */

/* An empty context for the next ria_digest_open(), or NULL. It contains no secret, because
 * EVP_MD_CTX_reset() has wiped and freed its state. */
static EVP_MD_CTX *spare;

enum {
    FUNCTIONS = 15
};

/* Lists the functions that this file calls in a plugin, and some functions that libcrypto calls
 * internally. These internal calls use the same symbol lookup, so a program can also replace the
 * functions that they call. EVP_Digest() is missing, because only ria_sha1() calls it, and only
 * rds-iam-fetch calls ria_sha1(). The elements are assigned one by one, because the compiler would
 * turn an array initializer into a table with relocations, and the loader would look up each name
 * once more. */
static void list_functions(uintptr_t out[FUNCTIONS])
{
    size_t i = 0;
    out[i++] = (uintptr_t)EVP_MD_fetch;
    out[i++] = (uintptr_t)EVP_MD_free;
    out[i++] = (uintptr_t)EVP_MD_CTX_new;
    out[i++] = (uintptr_t)EVP_MD_CTX_free;
    out[i++] = (uintptr_t)EVP_MD_CTX_reset;
    out[i++] = (uintptr_t)EVP_DigestInit_ex;
    out[i++] = (uintptr_t)EVP_DigestUpdate;
    out[i++] = (uintptr_t)EVP_DigestFinal_ex;
    out[i++] = (uintptr_t)CRYPTO_malloc;
    out[i++] = (uintptr_t)CRYPTO_zalloc;
    out[i++] = (uintptr_t)CRYPTO_free;
    out[i++] = (uintptr_t)CRYPTO_clear_free;
    out[i++] = (uintptr_t)OPENSSL_cleanse;
    out[i++] = (uintptr_t)OPENSSL_init_crypto;
    out[i++] = (uintptr_t)CRYPTO_THREAD_run_once;
}

/* Finds the object that contains an address. Returns false with err filled if there is none. */
static bool find_owner(uintptr_t address, struct ria_object *out, struct ria_error *err)
{
    return ria_object_at(address, out) ||
           ria_fail(err, RIA_E_CRYPTO, "cannot find the library that contains OpenSSL's functions");
}

/* Returns true if all functions are in one object; otherwise returns false with err filled. */
static bool lie_in_one_object(struct ria_error *err)
{
    uintptr_t functions[FUNCTIONS];
    struct ria_object first;
    struct ria_object other;
    list_functions(functions);
    if (!find_owner(functions[0], &first, err)) {
        return false;
    }
    for (size_t i = 1; i < FUNCTIONS; i++) {
        if (ria_object_contains(&first, functions[i])) {
            continue;
        }
        return find_owner(functions[i], &other, err) &&
               ria_fail(
                   err,
                   RIA_E_CRYPTO,
                   "OpenSSL's functions come from both %s and %s: a program exports OpenSSL names "
                   "of its own (link it without -rdynamic or hide them), or takes the address of "
                   "one and is loaded at a fixed address (link it with -pie)",
                   first.name,
                   other.name);
    }
    return true;
}

/* Computes the digest of several pieces. The caller may use the same context for several
 * digests. */
static bool digest_parts(
    const struct ria_digest *digest,
    const struct ria_digest_part *parts,
    size_t count,
    uint8_t out[RIA_SHA256_LEN])
{
    uint8_t sum[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *ctx = digest->ctx;
    bool ok = EVP_DigestInit_ex(ctx, digest->md, NULL) == 1;
    for (size_t i = 0; ok && i < count; i++) {
        ok = parts[i].len == 0 || EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(ctx, sum, NULL) == 1;
    if (ok) {
        memcpy(out, sum, RIA_SHA256_LEN);
    }
    explicit_bzero(sum, RIA_SHA256_LEN);
    return ok;
}

/* The pad bytes of RFC 2104, in words of eight bytes. */
#define INNER UINT64_C(0x3636363636363636)
#define OUTER UINT64_C(0x5c5c5c5c5c5c5c5c)

/* Computes one HMAC. A key that is longer than a block is hashed first. */
static bool hmac(
    const struct ria_digest *digest,
    const uint8_t *key,
    size_t key_len,
    const struct ria_digest_part *message,
    uint8_t *out)
{
    uint64_t pad[BLOCK_LEN / sizeof(uint64_t)] = {0};
    uint8_t inner[RIA_SHA256_LEN];
    bool ok = true;
    if (key_len > sizeof(pad)) {
        ok = digest_parts(digest, &(struct ria_digest_part){key, key_len}, 1, (uint8_t *)pad);
    } else if (key_len > 0) {
        memcpy(pad, key, key_len);
    }
    for (size_t i = 0; i < sizeof(pad) / sizeof(pad[0]); i++) {
        pad[i] ^= INNER;
    }
    const struct ria_digest_part first[] = {{pad, sizeof(pad)}, *message};
    ok = ok && digest_parts(digest, first, 2, inner);
    for (size_t i = 0; i < sizeof(pad) / sizeof(pad[0]); i++) {
        pad[i] ^= INNER ^ OUTER;
    }
    const struct ria_digest_part second[] = {{pad, sizeof(pad)}, {inner, sizeof(inner)}};
    ok = ok && digest_parts(digest, second, 2, out);
    explicit_bzero(pad, sizeof(pad));
    explicit_bzero(inner, sizeof(inner));
    return ok;
}

/* Computes a chain of HMACs, with one context for all of them. */
static bool hmac_chain(
    const struct ria_digest *digest,
    const void *key,
    size_t key_len,
    const struct ria_digest_part *messages,
    size_t count,
    uint8_t *out)
{
    uint8_t sum[RIA_SHA256_LEN];
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        ok = hmac(digest, key, key_len, &messages[i], sum);
        key = sum;
        key_len = sizeof(sum);
    }
    if (ok) {
        memcpy(out, sum, sizeof(sum));
    }
    explicit_bzero(sum, sizeof(sum));
    return ok;
}

static bool open_with(EVP_MD *md, struct ria_digest *digest, struct ria_error *err)
{
    digest->md = md;
    digest->ctx = EVP_MD_CTX_new();
    return digest->ctx != NULL || ria_fail(err, RIA_E_CRYPTO, "OpenSSL has no memory for a digest");
}

/* Compares an HMAC with RFC 4231, test case 2. */
static bool check_known_hmac(EVP_MD *md, struct ria_error *err)
{
    static const uint8_t want[RIA_SHA256_LEN] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                                 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
                                                 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
                                                 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    static const char text[] = "what do ya want for nothing?";
    const struct ria_digest_part key = {"Jefe", 4};
    const struct ria_digest_part message = {text, sizeof(text) - 1};
    uint8_t got[RIA_SHA256_LEN] = {0};
    RIA_AUTO(digest) digest = {0};
    if (!open_with(md, &digest, err) || !ria_digest_hmac(&digest, &key, &message, 1, got, err)) {
        return false;
    }
    return memcmp(got, want, sizeof(want)) == 0 ||
           ria_fail(
               err,
               RIA_E_CRYPTO,
               "OpenSSL computes a wrong HMAC in this program, so nothing is signed with it");
}

/* Checks the process's OpenSSL and fetches SHA-256. Returns NULL with err filled on failure. */
static EVP_MD *fetch_sha256(struct ria_error *err)
{
    if (!lie_in_one_object(err)) {
        return NULL;
    }
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (md == NULL) {
        (void)ria_fail(
            err,
            RIA_E_CRYPTO,
            "OpenSSL offers no SHA-256; check the providers in its configuration (openssl list "
            "-providers)");
    } else if (!check_known_hmac(md, err)) {
        EVP_MD_free(md);
        md = NULL;
    }
    return md;
}

/* Returns SHA-256. Until the checks of OpenSSL have succeeded once, each call makes them, because
 * they also fail while memory is short. If two threads succeed at the same time, both use the
 * SHA-256 that was stored first. Returns NULL with err filled on failure. */
static EVP_MD *get_sha256(struct ria_error *err)
{
    EVP_MD *stored = __atomic_load_n(&sha256, __ATOMIC_ACQUIRE);
    EVP_MD *fetched = stored != NULL ? NULL : fetch_sha256(err);
    if (fetched == NULL ||
        __atomic_compare_exchange_n(
            &sha256, &stored, fetched, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        return fetched == NULL ? stored : fetched;
    }
    EVP_MD_free(fetched);
    return stored;
}

static bool open_new(struct ria_digest *digest, struct ria_error *err)
{
    EVP_MD *md = get_sha256(err);
    return md != NULL && open_with(md, digest, err);
}

bool ria_digest_open(struct ria_digest *digest, struct ria_error *err)
{
    digest->is_reused = true;
    digest->md = get_sha256(err);
    digest->ctx = digest->md == NULL ? NULL : __atomic_exchange_n(&spare, NULL, __ATOMIC_ACQUIRE);
    return digest->ctx != NULL || (digest->md != NULL && open_with(digest->md, digest, err));
}

void ria_digest_release(struct ria_digest *digest)
{
    EVP_MD_CTX *none = NULL;
    if (digest->ctx != NULL &&
        (!digest->is_reused || EVP_MD_CTX_reset(digest->ctx) != 1 ||
         !__atomic_compare_exchange_n(
             &spare, &none, digest->ctx, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))) {
        EVP_MD_CTX_free(digest->ctx);
    }
    digest->ctx = NULL;
}

bool ria_digest_sha256(
    struct ria_digest *digest,
    const struct ria_digest_part *parts,
    size_t count,
    uint8_t out[RIA_SHA256_LEN],
    struct ria_error *err)
{
    return digest_parts(digest, parts, count, out) ||
           ria_fail(err, RIA_E_CRYPTO, "OpenSSL could not compute a SHA-256");
}

bool ria_digest_hmac(
    struct ria_digest *digest,
    const struct ria_digest_part *key,
    const struct ria_digest_part *messages,
    size_t count,
    uint8_t out[RIA_SHA256_LEN],
    struct ria_error *err)
{
    return hmac_chain(digest, key->data, key->len, messages, count, out) ||
           ria_fail(err, RIA_E_CRYPTO, "OpenSSL could not compute an HMAC");
}

bool ria_sha256(const void *data, size_t len, uint8_t out[RIA_SHA256_LEN], struct ria_error *err)
{
    RIA_AUTO(digest) digest = {0};
    return open_new(&digest, err) &&
           ria_digest_sha256(&digest, &(struct ria_digest_part){data, len}, 1, out, err);
}

bool ria_hmac_sha256(
    const void *key,
    size_t key_len,
    const struct ria_digest_part *messages,
    size_t count,
    uint8_t out[RIA_SHA256_LEN],
    struct ria_error *err)
{
    RIA_AUTO(digest) digest = {0};
    return open_new(&digest, err) &&
           ria_digest_hmac(
               &digest, &(struct ria_digest_part){key, key_len}, messages, count, out, err);
}

bool ria_sha1(const void *data, size_t len, uint8_t out[RIA_SHA1_LEN], struct ria_error *err)
{
    uint8_t sum[RIA_SHA1_LEN];
    if (get_sha256(err) == NULL) {
        return false;
    }
    EVP_MD *sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    bool ok = sha1 != NULL && EVP_Digest(data, len, sum, NULL, sha1, NULL) == 1;
    EVP_MD_free(sha1);
    if (!ok) {
        return ria_fail(err, RIA_E_CRYPTO, "OpenSSL could not compute a SHA-1");
    }
    memcpy(out, sum, sizeof(sum));
    return true;
}
