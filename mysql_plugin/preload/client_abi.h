/* SPDX-License-Identifier: MIT
 *
 * The functions of libmariadb and libmysqlclient that the preload interposes, restated. No header
 * of either library is included, and neither is linked: a program brings its own copy, and maybe
 * several. A handle (MYSQL) is opaque here.
 *
 * Sources: mysql.h of Connector/C 3.1 to 3.4 and of MySQL 5.7, 8.0, 8.4 and 9.x. my_bool of the
 * older headers and bool of the newer ones are both one byte.
 */
#ifndef RIA_MYSQL_PRELOAD_CLIENT_ABI_H
#define RIA_MYSQL_PRELOAD_CLIENT_ABI_H

#define RIA_INTERPOSED __attribute__((visibility("default")))

struct ria_handle; /* MYSQL */

/* CLIENT_REMEMBER_OPTIONS: a connection that fails leaves the handle's options as they are. Without
 * it both libraries free them. */
#define RIA_REMEMBER_OPTIONS (1UL << 31)

/* Numbers of errors that leave the options alone, because the library found the mistake before it
 * began to connect: CR_ALREADY_CONNECTED and CR_CONN_UNKNOWN_PROTOCOL. */
enum {
    RIA_ERROR_ALREADY_CONNECTED = 2058,
    RIA_ERROR_UNKNOWN_PROTOCOL = 2047,
};

/* net_async_status of MySQL 8.0.16 and later. */
enum {
    RIA_ASYNC_COMPLETE = 0,
    RIA_ASYNC_NOT_READY = 1,
};

/* mysql_protocol_type: MYSQL_PROTOCOL_TCP. */
enum {
    RIA_PROTOCOL_TCP = 1
};

/* mysql_ssl_mode of MySQL 5.7.11 and later. */
enum {
    RIA_SSL_MODE_DISABLED = 1,
    RIA_SSL_MODE_PREFERRED = 2, /* the library's default */
    RIA_SSL_MODE_VERIFY_CA = 4,
    RIA_SSL_MODE_VERIFY_IDENTITY = 5,
};

/* The C library's rules for parameters are the client library's here. */
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
