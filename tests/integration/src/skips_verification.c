/* SPDX-License-Identifier: MIT
 *
 * Preloaded into a program on libmariadb: makes its Connector/C behave as 3.4.2 does if
 * MARIADB_TLS_DISABLE_PEER_VERIFICATION is set. The library then checks neither chain nor name, but
 * still reports that verification is on. To detect such a library, the plugin searches the objects
 * that contain certain functions of the library for the name of the variable. mysql_get_optionv()
 * is one of these functions, so this object contains the name and replaces that function. */
#include <dlfcn.h>
#include <mysql.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct X509;
struct SSL;
struct SSL_CTX;

#define EXPORT __attribute__((visibility("default")))

EXPORT void SSL_CTX_set_verify(struct SSL_CTX *context, int mode, void (*callback)(void));
EXPORT void SSL_set_verify(struct SSL *ssl, int mode, void (*callback)(void));
EXPORT long SSL_get_verify_result(const struct SSL *ssl);
EXPORT int X509_check_host(
    struct X509 *certificate, const char *name, size_t len, unsigned flags, char **peer);
EXPORT int X509_check_ip_asc(struct X509 *certificate, const char *address, unsigned flags);

/* Sets *next, a function pointer, to the function of that name that follows this object's own in
 * the search order of the dynamic linker. */
static void find_theirs(const char *name, void *next)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        (void)fprintf(stderr, "skips_verification: no %s\n", name);
        abort();
    }
    memcpy(next, &found, sizeof(found));
}

static bool skips(void)
{
    return getenv("MARIADB_TLS_DISABLE_PEER_VERIFICATION") != NULL;
}

/* Connector/C 3.4 continues a handshake with an invalid chain, and checks the chain afterwards. */
void SSL_CTX_set_verify(struct SSL_CTX *context, int mode, void (*callback)(void))
{
    void (*next)(struct SSL_CTX *, int, void (*)(void)) = NULL;
    find_theirs("SSL_CTX_set_verify", &next);
    next(context, skips() ? 0 : mode, callback);
}

/* Since Connector/C 3.4.2, the callback records the error. */
void SSL_set_verify(struct SSL *ssl, int mode, void (*callback)(void))
{
    void (*next)(struct SSL *, int, void (*)(void)) = NULL;
    find_theirs("SSL_set_verify", &next);
    next(ssl, skips() ? 0 : mode, skips() ? NULL : callback);
}

long SSL_get_verify_result(const struct SSL *ssl)
{
    long (*next)(const struct SSL *ssl) = NULL;
    find_theirs("SSL_get_verify_result", &next);
    return skips() ? 0 : next(ssl);
}

int X509_check_host(
    struct X509 *certificate, const char *name, size_t len, unsigned flags, char **peer)
{
    int (*next)(struct X509 *, const char *, size_t, unsigned, char **) = NULL;
    find_theirs("X509_check_host", &next);
    return skips() ? 1 : next(certificate, name, len, flags, peer);
}

int X509_check_ip_asc(struct X509 *certificate, const char *address, unsigned flags)
{
    int (*next)(struct X509 *, const char *, unsigned) = NULL;
    find_theirs("X509_check_ip_asc", &next);
    return skips() ? 1 : next(certificate, address, flags);
}

/* Every option that is queried here has one argument. */
EXPORT int STDCALL mysql_get_optionv(MYSQL *mysql, enum mysql_option option, void *arg, ...)
{
    int(STDCALL * next)(MYSQL *, enum mysql_option, void *, ...) = NULL;
    find_theirs("mysql_get_optionv", &next);
    return next(mysql, option, arg);
}
