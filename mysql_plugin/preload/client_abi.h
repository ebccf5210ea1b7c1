/* SPDX-License-Identifier: MIT
 *
 * Declares the functions of libmariadb and libmysqlclient that the preload interposes. The preload
 * includes no header of either library and links neither library, because each program loads its
 * own copy of a library, or several copies. The preload never reads a handle (MYSQL).
 *
 * Sources: mysql.h of Connector/C 3.1 to 3.4 and of MySQL 5.7, 8.0, 8.4 and 9.x. Older headers use
 * my_bool, and newer headers use bool; both types have one byte.
 */
#ifndef RIA_MYSQL_PRELOAD_CLIENT_ABI_H
#define RIA_MYSQL_PRELOAD_CLIENT_ABI_H

#define RIA_INTERPOSED __attribute__((visibility("default")))

struct ria_handle; /* MYSQL */

/* CLIENT_REMEMBER_OPTIONS: if the connection fails, the handle keeps its options. If the flag is
 * not set, both libraries free the options of a handle whose connection fails. */
#define RIA_REMEMBER_OPTIONS (1UL << 31)

/* CR_ALREADY_CONNECTED and CR_CONN_UNKNOWN_PROTOCOL. If a connection fails with one of these
 * errors, the handle keeps its options, because the library reports the error before it begins to
 * connect. */
enum {
    RIA_ERROR_ALREADY_CONNECTED = 2058,
    RIA_ERROR_UNKNOWN_PROTOCOL = 2047,
};

/* Values of net_async_status, which exists since MySQL 8.0.16. */
enum {
    RIA_ASYNC_COMPLETE = 0,
    RIA_ASYNC_NOT_READY = 1,
};

/* MYSQL_PROTOCOL_TCP of the enum mysql_protocol_type. */
enum {
    RIA_PROTOCOL_TCP = 1
};

/* Values of mysql_ssl_mode, which exists since MySQL 5.7.11. */
enum {
    RIA_SSL_MODE_DISABLED = 1,
    RIA_SSL_MODE_PREFERRED = 2, /* the library's default */
    RIA_SSL_MODE_VERIFY_IDENTITY = 5,
};

/* Some of these functions have many parameters, as in the client libraries' own declarations. */
/* NOLINTBEGIN(readability-function-size) */
RIA_INTERPOSED struct ria_handle *mysql_init(struct ria_handle *mysql);
RIA_INTERPOSED void mysql_close(struct ria_handle *mysql);
RIA_INTERPOSED int mysql_close_start(struct ria_handle *mysql);
RIA_INTERPOSED int mysql_options(struct ria_handle *mysql, int option, const void *value);
RIA_INTERPOSED int mysql_options4(
    struct ria_handle *mysql, int option, const void *value, const void *second);
RIA_INTERPOSED int mysql_optionsv(struct ria_handle *mysql, int option, ...);
RIA_INTERPOSED char mysql_ssl_set(
    struct ria_handle *mysql,
    const char *key,
    const char *cert,
    const char *ca,
    const char *capath,
    const char *cipher);
RIA_INTERPOSED struct ria_handle *mysql_real_connect(
    struct ria_handle *mysql,
    const char *host,
    const char *user,
    const char *password,
    const char *database,
    unsigned port,
    const char *unix_socket,
    unsigned long flags);
RIA_INTERPOSED int mysql_real_connect_start(
    struct ria_handle **result,
    struct ria_handle *mysql,
    const char *host,
    const char *user,
    const char *password,
    const char *database,
    unsigned port,
    const char *unix_socket,
    unsigned long flags);
RIA_INTERPOSED int mysql_real_connect_nonblocking(
    struct ria_handle *mysql,
    const char *host,
    const char *user,
    const char *password,
    const char *database,
    unsigned port,
    const char *unix_socket,
    unsigned long flags);
/* NOLINTEND(readability-function-size) */

#endif
