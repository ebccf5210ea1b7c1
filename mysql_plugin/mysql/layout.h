/* SPDX-License-Identifier: MIT
 *
 * Finds the members of Oracle's MYSQL structure that the plugin needs, and checks the layout before
 * the plugin uses any of them. Only layout.c contains offsets.
 */
#ifndef RIA_MYSQL_LAYOUT_H
#define RIA_MYSQL_LAYOUT_H

#include "abi.h"
#include "rds_iam.h"

/* Offsets of members in a 64-bit MYSQL. Applications allocate MYSQL themselves, so its layout does
 * not change as long as the library's SONAME stays the same. */
struct ria_mysql_layout {
    const char *hosts;       /* the library versions that were measured */
    unsigned interface_last; /* the highest plugin interface that they load */
    size_t connector_fd;     /* pointer; not NULL if the connection has a TLS context */
    size_t host;             /* pointers to text */
    size_t user;
    size_t password;
    size_t port;        /* unsigned */
    size_t client_flag; /* unsigned long */
    size_t last_errno;  /* unsigned */
    size_t last_error;  /* char[512] */
    size_t sqlstate;    /* char[6] */
};

/* A connection whose layout is known. The strings are borrowed from the library. */
struct ria_mysql_connection {
    struct ria_mysql *mysql;
    const struct ria_mysql_layout *layout;
    const char *host;     /* as the client dials it; may be NULL */
    const char *user;     /* NULL: the operating system's user */
    const char *password; /* "" if the program gave none */
    unsigned port;        /* of the socket's peer */
    bool has_tls;
    bool is_verified; /* the client uses VERIFY_IDENTITY; if has_tls is also true, the library has
                         verified chain and name */
};

/* Finds the layout of *mysql and fills *out. Chooses the layout in which the connection's
 * descriptor and port equal those of the socket that vio->info() reports. interface_version is the
 * version of the plugin interface that the plugin declares. Preserves errno.
 *
 * Returns false if the connection does not use TCP, if no layout matches, or if more than one
 * layout matches. The function has then followed no pointer in *mysql, and the caller must not
 * write to *mysql. The function reads the descriptor, and the port at the offset of each layout.
 * All of these offsets lie within the smallest MYSQL of every known library, including MariaDB's.
 */
bool ria_mysql_recognize(
    struct ria_mysql_vio *vio,
    struct ria_mysql *mysql,
    unsigned interface_version,
    struct ria_mysql_connection *out) RIA_MUST_USE;

/* Sets the connection's error number, SQLSTATE (HY000) and text. The library shows them after the
 * plugin has returned RIA_MYSQL_ERROR. Cuts the text to the library's 512 bytes. */
void ria_mysql_set_error(
    const struct ria_mysql_connection *connection, unsigned code, const char *text);

#endif
