/* SPDX-License-Identifier: MIT
 *
 * What a client authentication plugin sees of Oracle's client library, written down anew so that
 * the plugin needs neither its headers nor a symbol of its host: the mysql command exports none.
 *
 * Two interfaces are in use. 0x0100 and 0x0101 are those of 5.7 and of 8.0 up to 8.0.25 at least;
 * 0x0200 is that of later 8.0, 8.1, 8.4 and 9.x, and has one member more in the middle of the
 * declaration. A host takes a plugin whose version is not below its own and whose major number is
 * not above it, so each host takes exactly one of rds_iam_v1 (0x0101) and rds_iam_v2 (0x0200).
 *
 * Sources: mysql.h, mysql_com.h, mysql/client_plugin.h, mysql/plugin_auth_common.h
 * of 5.7.34, 8.0.19 to 8.0.25, 8.1.0, 8.4.8 and 9.7.4; sql-common/client_plugin.cc
 * of 5.7.34, 8.0.25, 8.4.8, 9.6.0. tests/loader has the same facts in another form, and compares
 * the two.
 */
#ifndef RIA_MYSQL_ABI_H
#define RIA_MYSQL_ABI_H

#include <stdarg.h>
#include <stddef.h>

/* MYSQL. It has two layouts (layout.h), so it is only ever read at an offset. */
struct ria_mysql;

/* MYSQL_PLUGIN_VIO up to the last member that is used. */
struct ria_mysql_vio {
    int (*unused_read_packet)(struct ria_mysql_vio *vio, unsigned char **packet);
    int (*write_packet)(struct ria_mysql_vio *vio, const unsigned char *packet, int len);
    void (*info)(struct ria_mysql_vio *vio, void *info); /* fills a struct ria_mysql_vio_info */
};

/* MYSQL_PLUGIN_VIO_INFO. Up to 8.4 the library writes the first two members alone; since 9.x it
 * writes three. Later ones may write more, so there is room. */
struct ria_mysql_vio_info {
    int protocol; /* RIA_MYSQL_PROTOCOL_TCP, or something else */
    int socket;
    unsigned char is_tls_established; /* 0 or 1 where the library tells */
    unsigned char unused_room[55];
};

enum {
    RIA_MYSQL_PROTOCOL_TCP = 1,
};

/* What an authentication function returns. Any value above RIA_MYSQL_ERROR is taken for an error
 * number of its own: 5.7.34 crashes on it, 8.4.8 shows "Unknown MySQL error". */
enum {
    RIA_MYSQL_OK = -1,
    RIA_MYSQL_ERROR = 0,
};

enum {
    RIA_MYSQL_PLUGIN_CANNOT_LOAD = 2059, /* CR_AUTH_PLUGIN_CANNOT_LOAD */
    RIA_MYSQL_PLUGIN_ERROR = 2061,       /* CR_AUTH_PLUGIN_ERR */
};

enum {
    RIA_MYSQL_AUTHENTICATION_PLUGIN = 2,
};

/* st_mysql_client_plugin_AUTHENTICATION up to interface 0x0101. */
struct ria_mysql_plugin_v1 {
    int type;
    unsigned interface_version;
    const char *name; /* copied by nobody: the library compares it at each lookup */
    const char *author;
    const char *description;
    unsigned version[3];
    const char *license;
    void *mysql_api;
    int (*init)(char *error, size_t size, int argc, va_list args);
    int (*deinit)(void);
    int (*options)(const char *option, const void *value);
    int (*authenticate)(struct ria_mysql_vio *vio, struct ria_mysql *mysql);
    void *unused_authenticate_nonblocking; /* NULL: authenticate() is called instead */
};

/* auth_plugin_t of interface 0x0200. */
struct ria_mysql_plugin_v2 {
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
    int (*get_options)(const char *option, void *value);
    int (*authenticate)(struct ria_mysql_vio *vio, struct ria_mysql *mysql);
    void *unused_authenticate_nonblocking;
};

#endif
