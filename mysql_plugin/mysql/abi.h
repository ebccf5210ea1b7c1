/* SPDX-License-Identifier: MIT
 *
 * Declares the parts of Oracle's client library that a client authentication plugin uses. The
 * plugin has its own declarations, so it does not need the library's headers. The mysql command
 * contains the library but exports none of its functions, so the plugin cannot link to them. The
 * plugin calls the library only through function pointers that the library passes to it.
 *
 * The declaration of a plugin has two layouts. The library of 5.7 has the interface version 0x0100,
 * and that of 8.0, up to at least 8.0.25, has 0x0101; both find the functions at the same offsets.
 * Later releases of 8.0, and 8.1, 8.4 and 9.x, have 0x0200, with one more member in the middle of
 * the declaration. A library loads a plugin if the plugin's interface version is at least the
 * library's, and if the upper byte of the plugin's version is at most the upper byte of the
 * library's version. So each library loads exactly one of rds_iam_v1 (0x0101) and rds_iam_v2
 * (0x0200).
 *
 * Sources: mysql.h, mysql_com.h, mysql/client_plugin.h, mysql/plugin_auth_common.h of 5.7.34,
 * 8.0.19 to 8.0.25, 8.1.0, 8.4.8 and 9.7.4; sql-common/client_plugin.cc of 5.7.34, 8.0.25, 8.4.8,
 * 9.6.0. tests/loader declares the same facts in another form and compares the two.
 */
#ifndef RIA_MYSQL_ABI_H
#define RIA_MYSQL_ABI_H

#include <stdarg.h>
#include <stddef.h>

/* MYSQL. MYSQL has two layouts (layout.h), so the plugin reads MYSQL only at offsets and never
 * through a struct. */
struct ria_mysql;

/* MYSQL_PLUGIN_VIO, up to the last member that the plugin uses. */
struct ria_mysql_vio {
    int (*unused_read_packet)(struct ria_mysql_vio *vio, unsigned char **packet);
    int (*write_packet)(struct ria_mysql_vio *vio, const unsigned char *packet, int len);
    void (*info)(struct ria_mysql_vio *vio, void *info); /* fills a struct ria_mysql_vio_info */
};

/* MYSQL_PLUGIN_VIO_INFO. The library of 8.4.8, and earlier ones, write only the first two members;
 * that of 9.7.4 writes three. unused_room is for members that later libraries may write. */
struct ria_mysql_vio_info {
    int protocol; /* RIA_MYSQL_PROTOCOL_TCP, or another value */
    int socket;
    unsigned char is_tls_established; /* 0 or 1 if the library writes this member */
    unsigned char unused_room[55];
};

enum {
    RIA_MYSQL_PROTOCOL_TCP = 1,
};

/* What an authentication function returns. The library takes any value above RIA_MYSQL_ERROR for an
 * error number: 5.7.34 then crashes, 8.4.8 shows "Unknown MySQL error". */
enum {
    RIA_MYSQL_OK = -1,
    RIA_MYSQL_ERROR = 0, /* the connection's error fields describe the error */
};

enum {
    RIA_MYSQL_PLUGIN_CANNOT_LOAD = 2059, /* CR_AUTH_PLUGIN_CANNOT_LOAD */
    RIA_MYSQL_PLUGIN_ERROR = 2061,       /* CR_AUTH_PLUGIN_ERR */
};

enum {
    RIA_MYSQL_AUTHENTICATION_PLUGIN = 2,
};

/* st_mysql_client_plugin_AUTHENTICATION, up to interface 0x0101. */
struct ria_mysql_plugin_v1 {
    int type;
    unsigned interface_version;
    const char *name; /* the library keeps this pointer and compares the name at each lookup */
    const char *author;
    const char *description;
    unsigned version[3];
    const char *license;
    void *mysql_api;
    int (*init)(char *error, size_t size, int argc, va_list args);
    int (*deinit)(void);
    int (*options)(const char *option, const void *value);
    int (*authenticate)(struct ria_mysql_vio *vio, struct ria_mysql *mysql);
    void *unused_authenticate_nonblocking; /* NULL: the library calls authenticate() instead */
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
