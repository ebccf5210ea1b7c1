/* SPDX-License-Identifier: MIT
 *
 * Where a connection keeps what the plugin needs, and how the plugin makes sure of that before it
 * believes a byte. Nothing else here knows an offset.
 */
#ifndef RIA_MYSQL_LAYOUT_H
#define RIA_MYSQL_LAYOUT_H

#include "abi.h"
#include "rds_iam.h"

/* Offsets in MYSQL, 64-bit. MYSQL is allocated by applications, so its layout is kept for the life
 * of a library's SONAME. */
struct ria_mysql_layout {
    const char *hosts;
    unsigned interface_last; /* the last interface that such hosts have */
    size_t connector_fd;     /* pointer; not NULL: the connection has a TLS context */
    size_t host;             /* pointers to text */
    size_t user;
    size_t password;
    size_t port;        /* unsigned */
    size_t client_flag; /* unsigned long */
    size_t last_errno;  /* unsigned */
    size_t last_error;  /* char[512] */
    size_t sqlstate;    /* char[6] */
};

/* A connection whose layout is known. Strings are borrowed from the library. */
struct ria_mysql_connection {
    struct ria_mysql *mysql;
    const struct ria_mysql_layout *layout;
    const char *host;     /* as dialled; may be NULL */
    const char *user;     /* NULL: the operating system's user */
    const char *password; /* "" if none */
    unsigned port;
    bool has_tls;
    bool is_verified; /* ran with VERIFY_IDENTITY, so chain and name were verified */
};

/* Finds the layout: the one under which the connection's descriptor and port are those of the
 * socket that the library says it uses. False if none is, or more than one; nothing in *mysql was
 * then followed, and nothing may be written to it. The two numbers that are read lie within the
 * smallest connection of every library known, MariaDB's included. interface_version is the
 * plugin's own. Keeps errno. */
bool ria_mysql_recognise(
    struct ria_mysql_vio *vio,
    struct ria_mysql *mysql,
    unsigned interface_version,
    struct ria_mysql_connection *out) RIA_MUST_USE;

/* The connection's error, which the library shows once the plugin has returned RIA_MYSQL_ERROR. */
void ria_mysql_set_error(
    const struct ria_mysql_connection *connection, unsigned code, const char *text);

#endif
