/* SPDX-License-Identifier: MIT
 *
 * Stands for Oracle's client library in tests of the preload. It has handles and their options,
 * with the option numbers of the version VERSION. It never connects: mysql_real_connect() prints
 * the handle's options and fails. Three things are as in the real library. Functions call each
 * other by their public names, and mysql_options4() does so with a jump. A connection that fails
 * frees the handle's options, unless CLIENT_REMEMBER_OPTIONS is set. An ssl-mode that is out of
 * range is an error. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUBLIC __attribute__((visibility("default")))

enum {
    REMEMBER_OPTIONS_BIT = 31,
    MODES = 5,
#if VERSION < 80000
    PLUGIN_DIR = 22,
    SSL_CA = 27,
    SSL_CAPATH = 28,
    SSL_MODE = 42,
#else
    PLUGIN_DIR = 16,
    SSL_CA = 21,
    SSL_CAPATH = 22,
    SSL_MODE = 35,
#endif
    NOT_READY = 1,
    FAILED = 2,
};

struct handle {
    char *ca;
    char *capath;
    char *plugin_dir;
    unsigned mode;
    unsigned others; /* how many options with other numbers were set */
    unsigned waits;
};

PUBLIC unsigned long mysql_get_client_version(void);
PUBLIC struct handle *mysql_init(struct handle *handle);
PUBLIC void mysql_close(struct handle *handle);
PUBLIC int mysql_options(struct handle *handle, int option, const void *value);
PUBLIC int mysql_options4(struct handle *handle, int option, const void *value, const void *other);
PUBLIC bool mysql_ssl_set(
    struct handle *handle,
    const char *key,
    const char *cert,
    const char *ca,
    const char *capath,
    const char *cipher);
PUBLIC unsigned mysql_errno(struct handle *handle);
PUBLIC struct handle *mysql_real_connect(
    struct handle *handle,
    const char *host,
    const char *user,
    const char *password,
    const char *database,
    unsigned port,
    const char *unix_socket,
    unsigned long flags);
PUBLIC int mysql_real_connect_nonblocking(
    struct handle *handle,
    const char *host,
    const char *user,
    const char *password,
    const char *database,
    unsigned port,
    const char *unix_socket,
    unsigned long flags);

unsigned long mysql_get_client_version(void)
{
    return VERSION;
}

struct handle *mysql_init(struct handle *handle)
{
    return handle == NULL ? calloc(1, sizeof(*handle)) : memset(handle, 0, sizeof(*handle));
}

static void free_options(struct handle *handle)
{
    free(handle->ca);
    free(handle->capath);
    free(handle->plugin_dir);
    memset(handle, 0, sizeof(*handle));
}

void mysql_close(struct handle *handle)
{
    free_options(handle);
    free(handle);
}

static int set_text(char **member, const char *value)
{
    free(*member);
    *member = value == NULL ? NULL : strdup(value);
    return 0;
}

static int set_mode(struct handle *handle, unsigned mode)
{
    if (mode < 1 || mode > MODES) {
        return 1;
    }
    handle->mode = mode;
    return 0;
}

int mysql_options(struct handle *handle, int option, const void *value)
{
    switch (option) {
    case PLUGIN_DIR:
        return set_text(&handle->plugin_dir, value);
    case SSL_CA:
        return set_text(&handle->ca, value);
    case SSL_CAPATH:
        return set_text(&handle->capath, value);
    case SSL_MODE:
        return set_mode(handle, *(const unsigned *)value);
    default:
        handle->others++;
        return 0;
    }
}

int mysql_options4(struct handle *handle, int option, const void *value, const void *other)
{
    (void)other;
    return mysql_options(handle, option, value);
}

bool mysql_ssl_set(
    struct handle *handle,
    const char *key,
    const char *cert,
    const char *ca,
    const char *capath,
    const char *cipher)
{
    (void)key;
    (void)cert;
    (void)cipher;
    return mysql_options(handle, SSL_CA, ca) + mysql_options(handle, SSL_CAPATH, capath) != 0;
}

unsigned mysql_errno(struct handle *handle)
{
    (void)handle;
    return 2003;
}

static const char *shown(const char *text)
{
    return text == NULL ? "-" : text;
}

struct handle *mysql_real_connect(
    struct handle *handle,
    const char *host,
    const char *user,
    const char *password,
    const char *database,
    unsigned port,
    const char *unix_socket,
    unsigned long flags)
{
    (void)user;
    (void)password;
    (void)database;
    (void)port;
    (void)unix_socket;
    (void)printf(
        "%s: ca=%s capath=%s mode=%u plugin-dir=%s others=%u\n",
        shown(host),
        shown(handle->ca),
        shown(handle->capath),
        handle->mode,
        shown(handle->plugin_dir),
        handle->others);
    (void)fflush(stdout);
    if ((flags >> REMEMBER_OPTIONS_BIT & 1) == 0) {
        free_options(handle);
    }
    return NULL;
}

int mysql_real_connect_nonblocking(
    struct handle *handle,
    const char *host,
    const char *user,
    const char *password,
    const char *database,
    unsigned port,
    const char *unix_socket,
    unsigned long flags)
{
    if (handle->waits < 2) {
        handle->waits++;
        return NOT_READY;
    }
    (void)mysql_real_connect(handle, host, user, password, database, port, unix_socket, flags);
    return FAILED;
}
