/* SPDX-License-Identifier: MIT
 *
 * The functions of Oracle's client library that a simple program uses. They consist of the model in
 * this folder and a network client. VERSION is the number that the library reports; this number
 * decides the option numbers and the profile. Reads no option file. Loads the plugins of
 * LIBMYSQL_PLUGINS when the program makes its first handle, as mysql_library_init() does. */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#define PUBLIC __attribute__((visibility("default")))

enum {
#if VERSION < 80000
    SSL_CA = 27,
    SSL_MODE = 42,
    PROFILE = 0,
#else
    SSL_CA = 21,
    SSL_MODE = 35,
    PROFILE = VERSION < 90000 ? 2 : 3,
#endif
    FIRST_MODE = 1, /* SSL_MODE_DISABLED */
    OUT_OF_MEMORY = 2008,
};

struct handle {
    struct ria_wire wire;
    struct ria_account account;
    char user[256]; /* the first column of the last query */
    char *row[1];
    bool is_read;
    bool has_wire;
};

PUBLIC unsigned long mysql_get_client_version(void);
PUBLIC struct handle *mysql_init(struct handle *handle);
PUBLIC int mysql_options(struct handle *handle, int option, const void *value);
PUBLIC struct handle *mysql_real_connect(
    struct handle *handle,
    const char *host,
    const char *user,
    const char *password,
    const char *database,
    unsigned port,
    const char *unix_socket,
    unsigned long flags);
PUBLIC int mysql_query(struct handle *handle, const char *text);
PUBLIC struct handle *mysql_store_result(struct handle *handle);
PUBLIC char **mysql_fetch_row(struct handle *handle);
PUBLIC void mysql_free_result(struct handle *handle);
PUBLIC unsigned mysql_errno(struct handle *handle);
PUBLIC const char *mysql_error(struct handle *handle);
PUBLIC void mysql_close(struct handle *handle);

static struct ria_library library;
static pthread_once_t started = PTHREAD_ONCE_INIT;

static void start(void)
{
    const char *names = getenv("LIBMYSQL_PLUGINS");
    const char *directory = getenv("LIBMYSQL_PLUGIN_DIR");
    ria_library_start(&library, &ria_profiles[PROFILE]);
    if (names != NULL && directory != NULL) {
        (void)ria_library_preload(&library, directory, names);
    }
}

unsigned long mysql_get_client_version(void)
{
    return VERSION;
}

struct handle *mysql_init(struct handle *handle)
{
    (void)pthread_once(&started, start);
    struct handle *made = handle == NULL ? calloc(1, sizeof(*made)) : NULL;
    if (made != NULL) {
        made->account.ssl_mode = RIA_SSL_PREFERRED;
    }
    return made;
}

int mysql_options(struct handle *handle, int option, const void *value)
{
    if (option == SSL_CA) {
        handle->account.ssl_ca = value == NULL ? NULL : strdup(value);
    } else if (option == SSL_MODE) {
        handle->account.ssl_mode = (enum ria_ssl_mode)(*(const unsigned *)value - FIRST_MODE);
    }
    return 0;
}

static char *copy(const char *text)
{
    return strdup(text == NULL ? "" : text);
}

/* NOLINTNEXTLINE(readability-function-size): Oracle defines the parameters */
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
    (void)database;
    (void)unix_socket;
    (void)flags;
    handle->account.host = copy(host);
    handle->account.user = copy(user);
    handle->account.password = copy(password);
    handle->account.port = port;
    handle->has_wire = true;
    return ria_wire_connect(&handle->wire, &library, &handle->account) ? handle : NULL;
}

int mysql_query(struct handle *handle, const char *text)
{
    handle->is_read = false;
    return ria_wire_query(&handle->wire, text, handle->user, sizeof(handle->user)) ? 0 : 1;
}

struct handle *mysql_store_result(struct handle *handle)
{
    return handle;
}

char **mysql_fetch_row(struct handle *handle)
{
    handle->row[0] = handle->is_read ? NULL : handle->user;
    handle->is_read = true;
    return handle->row[0] == NULL ? NULL : handle->row;
}

void mysql_free_result(struct handle *handle)
{
    (void)handle;
}

unsigned mysql_errno(struct handle *handle)
{
    return handle->has_wire ? ria_connection_errno(&handle->wire.connection) : OUT_OF_MEMORY;
}

const char *mysql_error(struct handle *handle)
{
    return handle->has_wire ? ria_connection_error(&handle->wire.connection) : "";
}

/* Does not free the copies of the program's strings, because the program ends soon. */
void mysql_close(struct handle *handle)
{
    if (handle->has_wire) {
        ria_wire_close(&handle->wire);
    }
    free(handle);
}
