/* SPDX-License-Identifier: MIT
 *
 * Connects to a real server: TCP, TLS in MySQL's five modes, and the protocol of logins, changes of
 * user and simple queries. If the server requests mysql_clear_password, the library's plugin is
 * called. Follows the MySQL documentation's "Connection Phase Packets". The order of the steps is
 * that of libmysqlclient: TLS is up before any plugin is called.
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

/* The options that a program sets in the library. Strings are borrowed. */
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

/* A MYSQL handle with a network. Errors are stored in `connection`. */
struct ria_wire {
    struct ria_library *library;
    struct ria_connection connection; /* filled once TLS is up, or is known not to be used */
    const struct ria_account *account;
    SSL_CTX *context;
    SSL *ssl;
    int fd;
    bool is_in; /* the server has accepted the login */
    unsigned char sequence;
    unsigned capabilities; /* the server's */
    char announced[64];
    unsigned char scramble[20];
    const char *first_plugin; /* not NULL: the handshake response is not sent yet */
    unsigned char packet[RIA_PACKET_MAX];
    size_t len;
};

/* Models mysql_real_connect(). Returns false with the connection's error set if it fails. The
 * caller closes the wire in both cases. */
bool ria_wire_connect(
    struct ria_wire *wire, struct ria_library *library, const struct ria_account *account);

/* Models mysql_change_user(). Returns false with the connection's error set if it fails. */
bool ria_wire_change_user(struct ria_wire *wire, const struct ria_account *account);

/* Runs the query and copies the first column of the first row to *out. */
bool ria_wire_query(struct ria_wire *wire, const char *query, char *out, size_t size);

void ria_wire_close(struct ria_wire *wire);

#endif
