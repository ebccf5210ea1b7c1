/* SPDX-License-Identifier: MIT
 *
 * Connector/C as the plugin sees it, made of tables: a connection whose library answers what a test
 * says, and a peer that keeps what it is sent.
 */
#ifndef RIA_UNIT_FAKE_MARIADB_H
#define RIA_UNIT_FAKE_MARIADB_H

#include "plugin.h"

enum {
    RIA_FAKE_SENT_MAX = 64 * 1024
};

struct ria_fake_mariadb {
    struct ria_mariadb mysql;
    struct ria_mariadb_pvio pvio;
    struct ria_mariadb_methods methods;
    struct ria_mariadb_api api;
    struct ria_mariadb_vio vio;

    /* What the library answers. */
    bool tls;
    const char *cipher;      /* NULL: a usual one */
    int option_result;       /* of asking whether verification is on: 0 it tells */
    char is_verification_on; /* MYSQL_OPT_SSL_VERIFY_SERVER_CERT */
    const char *default_auth;
    bool has_status; /* 3.4.1 and later */
    unsigned status;
    const char *tls_library;
    const char *packet;    /* what is read; NULL: nothing is */
    bool is_from_greeting; /* nothing was sent for it */

    /* What the plugin did. */
    char sent[RIA_FAKE_SENT_MAX];
    size_t sent_len;
    size_t packets; /* sent */
    size_t reads;
    char read[64];
    bool write_fails;
    bool read_fails;
    unsigned error_code;
    char sqlstate[6];
    char error[512];
    size_t error_count;
};

/* A TCP connection of etl to db.example:3306, without TLS and without a password. */
void ria_fake_mariadb_init(struct ria_fake_mariadb *fake);

#endif
