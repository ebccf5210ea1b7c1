/* SPDX-License-Identifier: MIT
 *
 * A model of Oracle's client library, as a preloaded authentication plugin sees it. The model has
 * the plugin list with the plugins' names, a connection in memory, and the handling of a plugin's
 * return value. It also has a check that the tests call the gate: before the library calls the
 * built-in mysql_clear_password, it checks that passwords in clear text are enabled. The model has
 * no network: a test passes a descriptor or a function that sends. The model does not depend on the
 * plugin's internals.
 *
 *     struct ria_library library;
 *     ria_library_start(&library, &ria_profiles[0]);
 *     ria_library_preload(&library, directory, "rds_iam_v1;rds_iam_v2");
 *     struct ria_connection connection;
 *     ria_connection_open(&connection, library.profile, fd, &dialed);
 *     ... ria_library_authenticate(&library, &connection, &result) ...
 *     ria_connection_close(&connection);
 *     ria_library_end(&library);
 *
 * It models the behavior of the functions in client_plugin.cc and client.cc of 5.7.34, 8.0.25,
 * 8.4.8 and 9.6.0.
 */
#ifndef RIA_LOADER_LIBRARY_H
#define RIA_LOADER_LIBRARY_H

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    RIA_CLIENT_SSL = 1 << 11,
    RIA_CLIENT_SSL_VERIFY_SERVER_CERT = 1 << 30,
    RIA_PROTOCOL_TCP = 1,
    RIA_PROTOCOL_SOCKET = 2,
    RIA_LIBRARY_PLUGINS_MAX = 8,
};

/* A version of the library: the properties in which versions differ. */
struct ria_profile {
    const char *name;
    unsigned interface;
    bool has_57_layout;
    bool reports_tls;   /* vio->info() also writes its third member, whether TLS is on */
    const char *shadow; /* the plugin file that this version accepts */
};

enum {
    RIA_PROFILES = 4
};
extern const struct ria_profile ria_profiles[RIA_PROFILES];

/* A plugin's declaration. The members before `functions` are the same in all versions. Interface
 * 0x0200 and later has get_options as the first function and authenticate_user as the second. */
struct ria_declaration {
    int type;
    unsigned interface_version;
    const char *name, *author, *desc;
    unsigned version[3];
    const char *license;
    void *mysql_api;
    int (*init)(char *error, size_t size, int argc, va_list args);
    int (*deinit)(void);
    int (*options)(const char *option, const void *value);
    void (*functions[3])(void);
};

struct ria_library {
    const struct ria_profile *profile;
    pthread_mutex_t lock;
    struct {
        struct ria_declaration *declaration;
        void *handle;                   /* NULL: built in */
    } plugins[RIA_LIBRARY_PLUGINS_MAX]; /* the last entry is the head of the list */
    size_t count;
    bool is_cleartext_enabled; /* --enable-cleartext-plugin, which a plugin cannot see */
};

enum ria_load {
    RIA_LOADED,
    RIA_LOAD_NO_FILE,
    RIA_LOAD_NO_PLUGIN,
    RIA_LOAD_OTHER_NAME,
    RIA_LOAD_TWICE,
    RIA_LOAD_OTHER_INTERFACE,
    RIA_LOAD_INIT_FAILED,
};

/* Models mysql_library_init(). Afterwards the list contains only the built-in plugin. */
void ria_library_start(struct ria_library *library, const struct ria_profile *profile);

/* Loads the plugins in LIBMYSQL_PLUGINS: `names` are separated by ';'. Ignores a plugin that cannot
 * be loaded. Returns the number of plugins that were loaded. */
size_t ria_library_preload(struct ria_library *library, const char *directory, const char *names);

/* Models mysql_load_plugin(). */
enum ria_load ria_library_load(
    struct ria_library *library, const char *directory, const char *name);

/* Models mysql_client_find_plugin(), but loads no file. Searches from the head, by the name that a
 * plugin has now. Returns NULL if no plugin has the name. */
struct ria_declaration *ria_library_find(struct ria_library *library, const char *name);

/* Models mysql_library_end(). */
void ria_library_end(struct ria_library *library);

/* The connection that a program asks for, and the state that its handshake has reached. */
struct ria_dialed {
    char *host;
    char *user;
    char *password;
    unsigned port;
    bool has_tls;
    bool has_old_context; /* no TLS, but an earlier connection of the handle left its TLS context */
    bool is_verified;     /* VERIFY_IDENTITY, or MYSQL_OPT_SSL_VERIFY_SERVER_CERT in 5.7 */
    bool is_unix_socket;
};

struct ria_connection;

/* Sends the payload of one packet. Returns 0 on success, another number on failure. */
typedef int ria_send(struct ria_connection *connection, const void *bytes, size_t len);

struct ria_connection {
    /* MYSQL_PLUGIN_VIO. A plugin gets the address of these members, which is also the address of
     * the struct. */
    int (*read_packet)(struct ria_connection *connection, unsigned char **packet);
    int (*write_packet)(struct ria_connection *connection, const unsigned char *packet, int len);
    void (*info)(struct ria_connection *connection, void *info);

    const struct ria_profile *profile;
    void *mysql; /* MYSQL; ends where an inaccessible page begins */
    void *pages;
    int fd;
    int protocol;
    bool has_tls;
    ria_send *send;
    void *sender;   /* used by `send` only */
    size_t reads;   /* calls of read_packet() by the plugin; no packet is ever read */
    size_t packets; /* calls of write_packet(), including those that fail */
};

/* Sets up a connection in memory, as after mysql_init() and a handshake up to the call of a plugin.
 * Packets are written to `fd` without a header; set `send` to send them in another way. */
void ria_connection_open(
    struct ria_connection *connection,
    const struct ria_profile *profile,
    int fd,
    const struct ria_dialed *dialed);
/* Sets the members of MYSQL for another login on the same connection. */
void ria_connection_dial(struct ria_connection *connection, const struct ria_dialed *dialed);
/* Frees the memory. Does not close fd. */
void ria_connection_close(struct ria_connection *connection);

const char *ria_connection_password(const struct ria_connection *connection);
void ria_connection_set_error(
    struct ria_connection *connection, unsigned code, const char *sqlstate, const char *text);

/* The error as a program sees it. */
unsigned ria_connection_errno(const struct ria_connection *connection);
const char *ria_connection_error(const struct ria_connection *connection);
const char *ria_connection_sqlstate(const struct ria_connection *connection);

/* Handles a server's request for mysql_clear_password. Returns true if the plugin has sent its data
 * and returned success; else the connection has an error. *result is the plugin's return value, or
 * 1 if no plugin was called. */
bool ria_library_authenticate(
    struct ria_library *library, struct ria_connection *connection, int *result);

#endif
