/* SPDX-License-Identifier: MIT
 *
 * Declares the parts of MariaDB Connector/C's private layout that a client authentication plugin
 * uses. The plugin has its own declarations, because Debian's headers of Connector/C do not
 * compile: they include a file that Debian does not install. The command line tools contain the
 * library but export none of its functions, so the plugin cannot link to them. The plugin calls the
 * library only through function pointers in the structs below.
 *
 * The layout is the same in Connector/C 3.1, 3.2, 3.3 and 3.4; tests/lint compares it with the
 * installed headers. A member whose name begins with unused_ fills the space of members that the
 * plugin does not use. The plugin does not use members whose offset differs between versions:
 * options.extension, mysql->extension, pvio->methods, NET's TLS status byte.
 *
 * Sources: include/mysql.h, mysql_com.h, ma_pvio.h and mysql/client_plugin.h of Connector/C 3.3.
 */
#ifndef RIA_MARIADB_ABI_H
#define RIA_MARIADB_ABI_H

#include <stdarg.h>
#include <stddef.h>

struct ria_mariadb; /* MYSQL */

/* MARIADB_PVIO: the socket, pipe or TLS session that carries the protocol's packets. */
struct ria_mariadb_pvio {
    void *unused_data;
    unsigned char *unused_cache[2];
    size_t unused_cache_size;
    int type; /* RIA_MARIADB_SOCKET_* */
    int unused_timeout[3];
    int unused_ssl_type;
    void *unused_ctls;
    /* Points back to the connection. ria_mariadb_is_supported() checks this pointer. */
    struct ria_mariadb *mysql;
};

enum {
    RIA_MARIADB_SOCKET_UNIX = 0,
    RIA_MARIADB_SOCKET_TCP = 1,
};

/* NET */
struct ria_mariadb_net {
    struct ria_mariadb_pvio *pvio;
    unsigned char *unused_positions[3];
    unsigned char *read_pos; /* the packet that the library read last */
    int unused_fd;
    unsigned long unused_lengths[6];
    unsigned unused_counters[5];
    int unused_fcntl;
    unsigned *unused_return_status;
    unsigned char unused_reading_or_writing;
    char unused_flags[5];
    void *unused_skip;
    unsigned last_errno;
    unsigned char unused_error;
    char unused_report[2];
    char unused_last_error[512];
    char unused_sqlstate[6];
    void *unused_extension;
};

/* struct st_mysql_options */
struct ria_mariadb_options {
    unsigned unused_timeouts[3];
    unsigned unused_port;
    unsigned unused_protocol;
    unsigned long unused_client_flag;
    char *unused_names[5];
    void *unused_init_command;
    char *unused_files[4];
    char *unused_ssl_key;
    char *unused_ssl_cert;
    char *ssl_ca;
    char *ssl_capath;
    char *unused_ssl_cipher;
    char *unused_shared_memory;
    unsigned long unused_max_allowed_packet;
    char unused_switches[7];
    int unused_methods_to_use;
    char *unused_bind_address;
    char unused_secure_auth[2];
    void *unused_local_infile[5];
    void *unused_extension;
};

/* struct st_mariadb_api: a table of the library's own public functions */
struct ria_mariadb_api {
    void *unused_0[22];
    char (*get_info)(struct ria_mariadb *mysql, int value, void *out, ...); /* mariadb_get_infov */
    void *unused_23[3];
    const char *(*get_ssl_cipher)(struct ria_mariadb *mysql);
    void *unused_27[50];
    int (*get_option)(
        struct ria_mariadb *mysql, int option, void *out, ...); /* mysql_get_optionv */
};

/* struct st_mariadb_methods */
struct ria_mariadb_methods {
    void *unused_0[16];
    void (*set_error)(
        struct ria_mariadb *mysql, unsigned code, const char *sqlstate, const char *format, ...);
    void *unused_17;
    const struct ria_mariadb_api *api;
};

/* MYSQL, up to the last member that the plugin uses. */
struct ria_mariadb {
    struct ria_mariadb_net net;
    void *unused_0;
    char *host; /* as the client dials it: from the program, an option file or a failover list */
    char *user; /* "" means the operating system's user */
    char *passwd;
    char *unused_names[5];
    const void *unused_charset;
    void *unused_fields;
    struct {
        void *blocks[3];
        size_t sizes[2];
        unsigned counts[2];
        void (*error_handler)(void);
    } unused_field_alloc;
    unsigned long long unused_row_counts[3];
    unsigned long unused_thread_id;
    unsigned long unused_packet_length;
    unsigned port;
    unsigned long unused_client_flag;
    unsigned long unused_server_capabilities;
    unsigned unused_server[5];
    struct ria_mariadb_options options;
    int unused_status;
    char unused_free_me[2];
    char unused_scramble[21];
    char unused_2;
    void *unused_3[5];
    const struct ria_mariadb_methods *methods;
};

/* Values of the library's public enums. A comment names the type that the function writes to `out`.
 */
enum {
    RIA_MARIADB_OPT_SSL_VERIFY_SERVER_CERT = 21, /* out: char */
    RIA_MARIADB_OPT_DEFAULT_AUTH = 23,           /* out: char pointer */
    RIA_MARIADB_INFO_TLS_LIBRARY = 22,           /* out: const char pointer */
    RIA_MARIADB_INFO_TLS_VERIFY_STATUS = 37,     /* out: unsigned; known since 3.4.1 */
};

/* The bit of the verification status that is set if the certificate does not contain the host name.
 * The bit with the value 1 is set if the chain is not trusted. The library's header and its
 * documentation give the other bits different meanings, so the plugin does not interpret them. */
enum {
    RIA_MARIADB_TLS_VERIFY_HOST = 2,
};

/* MYSQL_PLUGIN_VIO: reads and writes packets during authentication. The library's header declares
 * the length in write_packet() as an int, but the function in 3.1 to 3.4.1 takes a size_t. The
 * plugin passes a size_t, so the upper bits of the argument are zero, and both kinds of function
 * read the right length. */
struct ria_mariadb_vio {
    int (*read_packet)(struct ria_mariadb_vio *vio, unsigned char **packet);
    int (*write_packet)(struct ria_mariadb_vio *vio, const unsigned char *packet, size_t len);
    void (*unused_info)(struct ria_mariadb_vio *vio, void *info);
};

/* What an authentication function returns. The library takes any value above RIA_MARIADB_ERROR for
 * an error number, and shows its own text for that number. */
enum {
    RIA_MARIADB_DONE = -2, /* the plugin has read the server's final packet */
    RIA_MARIADB_OK = -1,   /* the library reads the server's final packet itself */
    RIA_MARIADB_ERROR = 0, /* the connection's error fields describe the error */
};

/* CR_AUTH_PLUGIN_ERR, the error number for client plugins. */
enum {
    RIA_MARIADB_PLUGIN_ERROR = 2061
};

enum {
    RIA_MARIADB_AUTHENTICATION_PLUGIN = 2,
    /* All versions of the library load a plugin with 0x0100. In 0x0101, struct ria_mariadb_plugin
     * would have one more member, which only 3.4 reads. */
    RIA_MARIADB_INTERFACE_VERSION = 0x0100,
};

/* struct st_mysql_client_plugin_AUTHENTICATION */
struct ria_mariadb_plugin {
    int type;
    unsigned interface_version;
    const char *name;
    const char *author;
    const char *description;
    unsigned version[3];
    const char *license;
    void *mysql_api;
    int (*init)(char *error, size_t size, int argc, va_list args);
    int (*deinit)(void);
    int (*options)(const char *option, const void *value);
    int (*authenticate)(struct ria_mariadb_vio *vio, struct ria_mariadb *mysql);
};

#endif
