/* SPDX-License-Identifier: MIT
 *
 * What the files of this plugin offer one another. Nothing here leaves the shared object.
 */
#ifndef RIA_MARIADB_PLUGIN_H
#define RIA_MARIADB_PLUGIN_H

#include "abi.h"
#include "login_token.h"
#include "message.h"
#include "rds_iam.h"

/* How well the connection is protected, as the library itself tells it. *missing is then the
 * setting that would make it better, as the second half of a sentence; static text. */
enum ria_channel ria_mariadb_channel(struct ria_mariadb *mysql, const char **missing);

/* Whether MARIADB_TLS_DISABLE_PEER_VERIFICATION is set and this library may be one that heeds it:
 * the library then checks no certificate and reports that verification is on and its status good.
 */
bool ria_mariadb_may_skip_verification(const struct ria_mariadb *mysql);

/* Was the client given a CA, or does it go by the system's? */
bool ria_mariadb_has_ca(const struct ria_mariadb *mysql);

/* The user sees ERROR 2061 (HY000): rds-iam: text, and the connection is closed. Returns what
 * authenticate must return. */
int ria_mariadb_fail(struct ria_mariadb *mysql, const char *text);

/* The same, and ends the handshake first: the server gets an empty password and answers, so that it
 * counts a denied login instead of a broken connection, of which some count only so many before
 * they shut a host out. */
int ria_mariadb_refuse(struct ria_mariadb_vio *vio, struct ria_mariadb *mysql, const char *text);

/* After read_packet() has returned less than 0: whether the server asks for another plugin, whose
 * name begins at packet + 1. A broken connection looks like it but for the error. */
bool ria_mariadb_is_switch(const struct ria_mariadb *mysql, const unsigned char *packet);

/* False for a library whose memory is laid out in another way than abi.h says: then nothing of it
 * may be used. */
bool ria_mariadb_has_endpoint(const struct ria_mariadb_vio *vio, const struct ria_mariadb *mysql);

/* What authenticate returns then: an error number, for which the library has words of its own. The
 * reason is in the log, as a warning, because these words do not name it. */
int ria_mariadb_refuse_no_endpoint(void);

/* Answers a server that has asked for a password in clear: a typed password, a token or a refusal.
 * Returns what authenticate must return. */
int ria_mariadb_authenticate(struct ria_mariadb_vio *vio, struct ria_mariadb *mysql);

/* The one symbol that a plugin exports. Both are one source but for this and what calls the rest.
 */
#define RIA_MARIADB_DECLARE(plugin_name, function)                                                 \
    extern const struct ria_mariadb_plugin _mysql_client_plugin_declaration_;                      \
    __attribute__((visibility("default")))                                                         \
    const struct ria_mariadb_plugin _mysql_client_plugin_declaration_ = {                          \
        .type = RIA_MARIADB_AUTHENTICATION_PLUGIN,                                                 \
        .interface_version = RIA_MARIADB_INTERFACE_VERSION,                                        \
        .name = (plugin_name),                                                                     \
        .author = RIA_PLUGIN_AUTHOR,                                                               \
        .description = RIA_PLUGIN_DESCRIPTION,                                                     \
        .version = {0, 1, 0},                                                                      \
        .license = "MIT",                                                                          \
        .authenticate = (function),                                                                \
    };

#endif
