/* SPDX-License-Identifier: MIT
 *
 * The way to a real server: TCP, TLS in MySQL's five modes, and the protocol up to one query. What
 * the server asks for in clear is handed to the library's plugins. Follows the MySQL
 * documentation's "Connection Phase Packets", and libmysqlclient in what comes first: TLS before
 * any plugin.
 */
#ifndef RIA_LOADER_WIRE_H
#define RIA_LOADER_WIRE_H

#include "library.h"

#include <openssl/ssl.h>

enum ria_ssl_mode {
    RIA_SSL_DISABLED,
    RIA_SSL_PREFERRED,
    RIA_SSL_REQUIRED,
    RIA_SSL_VERIFY_CA,
    RIA_SSL_VERIFY_IDENTITY,
};

/* What a program asks of the library. Strings are borrowed. */
struct ria_account {
    char *host;
    unsigned port;
    char *user;
    char *password; /* "" if none */
    enum ria_ssl_mode ssl_mode;
    const char *ssl_ca;       /* or NULL */
    const char *default_auth; /* or NULL */
};

enum {
    RIA_PACKET_MAX = 64 * 1024
};

/* MYSQL* with a network. The error is that of the connection. */
struct ria_wire {
    struct ria_library *library;
    struct ria_connection connection; /* laid out once TLS is up, or will not be */
    const struct ria_account *account;
    SSL_CTX *context;
    SSL *ssl;
    int fd;
    bool is_in; /* the server has said yes */
    unsigned char sequence;
    unsigned capabilities; /* the server's */
    char announced[64];
    unsigned char scramble[20];
    const char *first_plugin; /* set while a handshake response is still to be sent */
    unsigned char packet[RIA_PACKET_MAX];
    size_t len;
};

/* mysql_real_connect(). False with the connection's error. The wire must be closed in any case. */
bool ria_wire_connect(
    struct ria_wire *wire, struct ria_library *library, const struct ria_account *account);

/* mysql_change_user(). */
bool ria_wire_change_user(struct ria_wire *wire, const struct ria_account *account);

/* The first column of the first row. */
bool ria_wire_query(struct ria_wire *wire, const char *query, char *out, size_t size);

void ria_wire_close(struct ria_wire *wire);

#endif
