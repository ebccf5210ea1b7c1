/* SPDX-License-Identifier: MIT
 *
 * Oracle's client library as a preloaded authentication plugin meets it: a list of plugins, their
 * names, the gate in front of the built-in mysql_clear_password, a connection in memory, and what
 * becomes of a plugin's answer. Written from the library's behaviour. Not here: the network, which
 * is a function that a test hands in, and anything that knows the plugin's inside.
 *
 *     struct ria_library library;
 *     ria_library_start(&library, &ria_profiles[0]);
 *     ria_library_preload(&library, directory, "rds_iam_v1;rds_iam_v2");
 *     struct ria_connection connection;
 *     ria_connection_open(&connection, library.profile, fd, &dialled);
 *     ... ria_library_authenticate(&library, &connection) ...
 *     ria_connection_close(&connection);
 *     ria_library_end(&library);
 *
 * Follows client_plugin.cc and client.cc of 5.7.34, 8.0.25, 8.4.8 and 9.6.0.
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

/* What differs between the versions. */
struct ria_profile {
    const char *name;
    unsigned interface;
    bool has_57_layout;
    bool tells_tls;     /* vio->info() writes its third member */
    const char *shadow; /* the file that such a library takes */
};

enum {
    RIA_PROFILES = 4
};
extern const struct ria_profile ria_profiles[RIA_PROFILES];

/* The declaration's first members, alike in all; then, from 0x0200 on, get_options; then
 * authenticate_user. */
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
    } plugins[RIA_LIBRARY_PLUGINS_MAX]; /* the last one is the head */
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

/* mysql_library_init(): the built-in plugin alone. */
void ria_library_start(struct ria_library *library, const struct ria_profile *profile);

/* LIBMYSQL_PLUGINS: the names, separated by ';'; what cannot be loaded is passed over. Returns how
 * many were taken. */
size_t ria_library_preload(struct ria_library *library, const char *directory, const char *names);

/* mysql_load_plugin(). */
enum ria_load ria_library_load(
    struct ria_library *library, const char *directory, const char *name);

/* mysql_client_find_plugin() without its loading: from the head, by the name that the plugin has
 * now. NULL: none. */
struct ria_declaration *ria_library_find(struct ria_library *library, const char *name);

/* mysql_library_end(). */
void ria_library_end(struct ria_library *library);

/* Who is dialled by whom. */
struct ria_dialled {
    char *host;
    char *user;
    char *password;
    unsigned port;
    bool has_tls;
    bool has_old_context; /* without TLS: an earlier connection of the handle had got that far */
    bool is_verified; /* ran with VERIFY_IDENTITY, or 5.7 with MYSQL_OPT_SSL_VERIFY_SERVER_CERT */
    bool is_unix_socket;
};

struct ria_connection;

/* Sends one packet's payload; 0, or not 0 if it cannot. */
typedef int ria_send(struct ria_connection *connection, const void *bytes, size_t len);

struct ria_connection {
    /* MYSQL_PLUGIN_VIO; a plugin is handed its address, which is the connection's. */
    int (*read_packet)(struct ria_connection *connection, unsigned char **packet);
    int (*write_packet)(struct ria_connection *connection, const unsigned char *packet, int len);
    void (*info)(struct ria_connection *connection, void *info);

    const struct ria_profile *profile;
    void *mysql; /* MYSQL, flush against a page that nobody can touch */
    void *pages;
    int fd;
    int protocol;
    bool has_tls;
    ria_send *send;
    void *sender; /* for send alone */
    size_t reads; /* by the plugin; there is nothing to read */
    size_t packets;
};

/* Lays out a connection: mysql_init() and a handshake that has come as far as a plugin. Packets go
 * to `fd` as they are; set send to have them go elsewhere. */
void ria_connection_open(
    struct ria_connection *connection,
    const struct ria_profile *profile,
    int fd,
    const struct ria_dialled *dialled);
void ria_connection_dial(struct ria_connection *connection, const struct ria_dialled *dialled);
void ria_connection_close(struct ria_connection *connection);

const char *ria_connection_password(const struct ria_connection *connection);
void ria_connection_set_error(
    struct ria_connection *connection, unsigned code, const char *sqlstate, const char *text);

/* The error as a program sees it. */
unsigned ria_connection_errno(const struct ria_connection *connection);
const char *ria_connection_error(const struct ria_connection *connection);
const char *ria_connection_sqlstate(const struct ria_connection *connection);

/* The server has asked for mysql_clear_password. True if the plugin has sent something and is
 * content; else the connection has its error. *result is what the plugin itself returned, or 1 if
 * none was called. */
bool ria_library_authenticate(
    struct ria_library *library, struct ria_connection *connection, int *result);

#endif
