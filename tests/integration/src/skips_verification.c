/* SPDX-License-Identifier: MIT
 *
 * Preloaded into a program on libmariadb: makes its Connector/C behave as 3.4.2 does where
 * MARIADB_TLS_DISABLE_PEER_VERIFICATION is set. Chain and name are then not checked, and the
 * library goes on to report that verification is on. mysql_get_optionv() is only replaced so that
 * one of the functions in the library's table is in an object that holds the variable's name, as
 * in 3.4.2. */
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

/* Fills *next, a pointer to a function, with the one of that name behind this object in the search
 * order of the dynamic linker. */
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

/* 3.4 goes on with a handshake in which the chain is bad, and looks at it afterwards. */
void SSL_CTX_set_verify(struct SSL_CTX *context, int mode, void (*callback)(void))
{
    void (*next)(struct SSL_CTX *, int, void (*)(void)) = NULL;
    find_theirs("SSL_CTX_set_verify", &next);
    next(context, skips() ? 0 : mode, callback);
}

/* From 3.4.2 on the callback notes what is bad. */
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

/* Every option that is asked for here has one argument. */
EXPORT int STDCALL mysql_get_optionv(MYSQL *mysql, enum mysql_option option, void *arg, ...)
{
    int(STDCALL * next)(MYSQL *, enum mysql_option, void *, ...) = NULL;
    find_theirs("mysql_get_optionv", &next);
    return next(mysql, option, arg);
}
