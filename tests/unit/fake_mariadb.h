/* SPDX-License-Identifier: MIT
 *
 * Stands for Connector/C, as the plugin sees it: a connection whose library returns what a test
 * sets, and a peer that stores what it receives.
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

    /* What the library returns. */
    bool tls;
    const char *cipher;      /* NULL: a common cipher */
    int option_result;       /* of reading is_verification_on; 0: success */
    char is_verification_on; /* MYSQL_OPT_SSL_VERIFY_SERVER_CERT */
    const char *default_auth;
    bool has_status; /* 3.4.1 and later */
    unsigned status;
    const char *tls_library;
    const char *packet;    /* what read_packet() returns; NULL: no packet */
    bool is_from_greeting; /* the packet is part of the greeting; nothing was sent before it */
    bool write_fails;
    bool read_fails;

    /* What the plugin did, and what it received. */
    char sent[RIA_FAKE_SENT_MAX];
    size_t sent_len;
    size_t packets; /* sent */
    size_t reads;
    char read[64]; /* the copy of `packet` that the plugin received */
    unsigned error_code;
    char sqlstate[6];
    char error[512];
    size_t error_count;
};

/* Sets up a TCP connection of the user etl to db.example:3306, without TLS and without a password.
 */
void ria_fake_mariadb_init(struct ria_fake_mariadb *fake);

#endif
