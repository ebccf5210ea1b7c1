/* SPDX-License-Identifier: MIT
 *
 * Functions with the names of OpenSSL's functions in libcrypto. The program that this file is
 * linked into exports them. The dynamic linker prefers them to those of libcrypto, for the plugin,
 * for libssl and for libcrypto itself. The same happens in a program that contains a static OpenSSL
 * and is linked with -rdynamic.
 *
 * Each function works, because it calls the loaded libcrypto; otherwise TLS would fail before the
 * server requests a token. The macros OWN_<group> select the functions. With OWN_HIDDEN, none of
 * them is exported. With OWN_UPDATE and OWN_WRONG_DIGEST, EVP_DigestUpdate() ignores the plugin's
 * data, so the plugin gets a wrong digest. */
#include <dlfcn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef OWN_HIDDEN
#define EXPORT
#else
#define EXPORT __attribute__((visibility("default")))
#endif

/* Returns the function of that name that follows this program's own in the search order of the
 * dynamic linker. */
static void *theirs(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        (void)fprintf(
            stderr, "openssl_names: no %s after this program in the search order\n", name);
        abort();
    }
    return found;
}

/* Defines a function `name` that calls the next function of that name. */
#define FORWARD(result, name, parameters, arguments)                                               \
    EXPORT result name parameters                                                                  \
    {                                                                                              \
        static result(*next) parameters;                                                           \
        if (next == NULL) {                                                                        \
            void *address = theirs(#name);                                                         \
            memcpy(&next, &address, sizeof(next));                                                 \
        }                                                                                          \
        return next arguments;                                                                     \
    }

#define FORWARD_VOID(name, parameters, arguments)                                                  \
    EXPORT void name parameters                                                                    \
    {                                                                                              \
        static void(*next) parameters;                                                             \
        if (next == NULL) {                                                                        \
            void *address = theirs(#name);                                                         \
            memcpy(&next, &address, sizeof(next));                                                 \
        }                                                                                          \
        next arguments;                                                                            \
    }

#ifdef OWN_FETCH
FORWARD(
    EVP_MD *,
    EVP_MD_fetch,
    (OSSL_LIB_CTX * library, const char *name, const char *properties),
    (library, name, properties))
FORWARD_VOID(EVP_MD_free, (EVP_MD * digest), (digest))
#endif

#ifdef OWN_CONTEXT
FORWARD(EVP_MD_CTX *, EVP_MD_CTX_new, (void), ())
FORWARD_VOID(EVP_MD_CTX_free, (EVP_MD_CTX * context), (context))
FORWARD(int, EVP_MD_CTX_reset, (EVP_MD_CTX * context), (context))
#endif

#ifdef OWN_DIGEST
FORWARD(
    int,
    EVP_DigestInit_ex,
    (EVP_MD_CTX * context, const EVP_MD *digest, ENGINE *engine),
    (context, digest, engine))
FORWARD(
    int,
    EVP_DigestFinal_ex,
    (EVP_MD_CTX * context, unsigned char *out, unsigned *len),
    (context, out, len))
#endif

#ifdef OWN_UPDATE
#ifdef OWN_WRONG_DIGEST
static bool is_a_plugin(const void *caller)
{
    Dl_info info;
    return dladdr(caller, &info) != 0 && strstr(info.dli_fname, "mysql_clear_password") != NULL;
}

EXPORT int EVP_DigestUpdate(EVP_MD_CTX *context, const void *data, size_t len)
{
    int (*next)(EVP_MD_CTX *, const void *, size_t);
    void *address = theirs("EVP_DigestUpdate");
    memcpy(&next, &address, sizeof(next));
    return next(context, data, is_a_plugin(__builtin_return_address(0)) ? 0 : len);
}
#else
FORWARD(
    int,
    EVP_DigestUpdate,
    (EVP_MD_CTX * context, const void *data, size_t len),
    (context, data, len))
#endif
#endif

#ifdef OWN_MEMORY
FORWARD(void *, CRYPTO_malloc, (size_t size, const char *file, int line), (size, file, line))
FORWARD(void *, CRYPTO_zalloc, (size_t size, const char *file, int line), (size, file, line))
FORWARD_VOID(CRYPTO_free, (void *block, const char *file, int line), (block, file, line))
FORWARD_VOID(
    CRYPTO_clear_free,
    (void *block, size_t size, const char *file, int line),
    (block, size, file, line))
FORWARD_VOID(OPENSSL_cleanse, (void *block, size_t size), (block, size))
#endif

#ifdef OWN_START
FORWARD(
    int,
    OPENSSL_init_crypto,
    (uint64_t options, const OPENSSL_INIT_SETTINGS *settings),
    (options, settings))
FORWARD(int, CRYPTO_THREAD_run_once, (CRYPTO_ONCE * once, void (*function)(void)), (once, function))
#endif
