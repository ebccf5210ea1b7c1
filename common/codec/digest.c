/* SPDX-License-Identifier: MIT
 *
 * Digests through a SHA-256 that is fetched once. HMAC is put together by hand: it is two digests,
 * needs no second fetch, and is three times as fast as EVP_MAC for messages as short as ours. */
#include "codec/digest.h"

#include <errno.h>
#include <link.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

enum {
    BLOCK_LEN = 64
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;           /* NULL: not usable, see refusal */
static struct ria_error refusal; /* written once, under `once` */

/* What this file calls, and what libcrypto calls by these names on the way: its inner calls go
 * through the same symbol search, so a program can take them over too. */
static void (*const openssl_functions[])(void) = {
    (void (*)(void))EVP_MD_fetch,
    (void (*)(void))EVP_MD_free,
    (void (*)(void))EVP_MD_CTX_new,
    (void (*)(void))EVP_MD_CTX_free,
    (void (*)(void))EVP_MD_CTX_reset,
    (void (*)(void))EVP_DigestInit_ex,
    (void (*)(void))EVP_DigestUpdate,
    (void (*)(void))EVP_DigestFinal_ex,
    (void (*)(void))CRYPTO_malloc,
    (void (*)(void))CRYPTO_zalloc,
    (void (*)(void))CRYPTO_free,
    (void (*)(void))CRYPTO_clear_free,
    (void (*)(void))OPENSSL_cleanse,
    (void (*)(void))OPENSSL_init_crypto,
    (void (*)(void))CRYPTO_THREAD_run_once,
};

enum {
    FUNCTIONS = sizeof(openssl_functions) / sizeof(openssl_functions[0])
};

/* The loaded object that each function lies in. */
struct owners {
    uintptr_t address[FUNCTIONS];
    uintptr_t base[FUNCTIONS]; /* 0: not found yet */
    const char *name[FUNCTIONS];
};

static bool covers(const struct dl_phdr_info *object, uintptr_t address)
{
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        uintptr_t start = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
        if (object->dlpi_phdr[i].p_type == PT_LOAD && address >= start &&
            address - start < object->dlpi_phdr[i].p_memsz) {
            return true;
        }
    }
    return false;
}

/* The program headers identify an object; its load address is 0 for a program at a fixed place. */
static int look_into(struct dl_phdr_info *object, size_t size, void *self)
{
    (void)size;
    struct owners *owners = self;
    for (size_t i = 0; i < FUNCTIONS; i++) {
        if (owners->base[i] == 0 && covers(object, owners->address[i])) {
            owners->base[i] = (uintptr_t)object->dlpi_phdr;
            owners->name[i] =
                *object->dlpi_name == '\0' ? program_invocation_name : object->dlpi_name;
        }
    }
    return 0;
}

/* Address ranges tell it at once; dladdr() would search libcrypto's symbols for each name. */
static bool lie_in_one_object(struct ria_error *err)
{
    struct owners owners = {0};
    for (size_t i = 0; i < FUNCTIONS; i++) {
        /* POSIX lets a function's address be an object's; ISO C does not. */
        memcpy(&owners.address[i], &openssl_functions[i], sizeof(owners.address[i]));
    }
    (void)dl_iterate_phdr(look_into, &owners);
    for (size_t i = 0; i < FUNCTIONS; i++) {
        if (owners.base[i] == 0) {
            return ria_fail(err, RIA_E_CRYPTO, "cannot tell where OpenSSL's functions lie");
        }
        if (owners.base[i] != owners.base[0]) {
            return ria_fail(
                err,
                RIA_E_CRYPTO,
                "OpenSSL's functions are mixed from %s and %s: a program exports OpenSSL names of "
                "its own (link it without -rdynamic or hide them), or takes the address of one and "
                "is loaded at a fixed place (link it with -pie)",
                owners.name[0],
                owners.name[i]);
        }
    }
    return true;
}

/* One digest over up to two pieces. */
static bool digest(
    const void *first, size_t first_len, const void *second, size_t second_len, uint8_t *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        return false;
    }
    uint8_t sum[EVP_MAX_MD_SIZE];
    bool ok =
        EVP_DigestInit_ex(ctx, sha256, NULL) == 1 && EVP_DigestUpdate(ctx, first, first_len) == 1 &&
        EVP_DigestUpdate(ctx, second, second_len) == 1 && EVP_DigestFinal_ex(ctx, sum, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    if (ok) {
        memcpy(out, sum, RIA_SHA256_LEN);
    }
    explicit_bzero(sum, sizeof(sum));
    return ok;
}

static bool hmac(const uint8_t *key, size_t key_len, const void *data, size_t len, uint8_t *out)
{
    uint8_t pad[BLOCK_LEN] = {0};
    uint8_t inner[RIA_SHA256_LEN];
    bool ok = true;
    if (key_len > sizeof(pad)) {
        ok = digest(key, key_len, "", 0, pad);
    } else if (key_len > 0) {
        memcpy(pad, key, key_len);
    }
    for (size_t i = 0; i < sizeof(pad); i++) {
        pad[i] ^= 0x36;
    }
    ok = ok && digest(pad, sizeof(pad), data, len, inner);
    for (size_t i = 0; i < sizeof(pad); i++) {
        pad[i] ^= 0x36 ^ 0x5c;
    }
    ok = ok && digest(pad, sizeof(pad), inner, sizeof(inner), out);
    explicit_bzero(pad, sizeof(pad));
    explicit_bzero(inner, sizeof(inner));
    return ok;
}

/* RFC 4231, test case 2. */
static bool known_answer(void)
{
    static const uint8_t want[RIA_SHA256_LEN] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                                 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
                                                 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
                                                 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    static const char text[] = "what do ya want for nothing?";
    uint8_t got[RIA_SHA256_LEN] = {0};
    return hmac((const uint8_t *)"Jefe", 4, text, sizeof(text) - 1, got) &&
           memcmp(got, want, sizeof(want)) == 0;
}

static void set_up(void)
{
    if (!lie_in_one_object(&refusal)) {
        return;
    }
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (sha256 == NULL) {
        (void)ria_fail(
            &refusal,
            RIA_E_CRYPTO,
            "OpenSSL offers no SHA-256; check the providers in its configuration (openssl list "
            "-providers)");
        return;
    }
    if (!known_answer()) {
        EVP_MD_free(sha256);
        sha256 = NULL;
        (void)ria_fail(
            &refusal,
            RIA_E_CRYPTO,
            "OpenSSL computes a wrong HMAC in this program; nothing is signed with it");
    }
}

static bool ready(struct ria_error *err)
{
    if (pthread_once(&once, set_up) != 0) {
        return ria_fail(err, RIA_E_SYSTEM, "cannot set up OpenSSL: pthread_once failed");
    }
    if (sha256 == NULL) {
        return ria_fail(err, refusal.code, "%s", refusal.text);
    }
    return true;
}

bool ria_sha256(const void *data, size_t len, uint8_t out[RIA_SHA256_LEN], struct ria_error *err)
{
    if (!ready(err)) {
        return false;
    }
    if (!digest(data, len, "", 0, out)) {
        return ria_fail(err, RIA_E_CRYPTO, "OpenSSL could not compute a SHA-256");
    }
    return true;
}

bool ria_hmac_sha256(
    const void *key,
    size_t key_len,
    const void *data,
    size_t len,
    uint8_t out[RIA_SHA256_LEN],
    struct ria_error *err)
{
    if (!ready(err)) {
        return false;
    }
    if (!hmac(key, key_len, data, len, out)) {
        return ria_fail(err, RIA_E_CRYPTO, "OpenSSL could not compute an HMAC");
    }
    return true;
}
