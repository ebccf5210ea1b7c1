/* SPDX-License-Identifier: MIT
 *
 * Declares the functions that the files of the MariaDB plugins share. The shared objects do not
 * export them.
 */
#ifndef RIA_MARIADB_PLUGIN_H
#define RIA_MARIADB_PLUGIN_H

#include "abi.h"
#include "login_token.h"
#include "message.h"
#include "rds_iam.h"

/* Returns how well the connection is protected, according to the library's own functions. Always
 * sets *remedy to static text: the second half of a sentence, which names the client's setting that
 * would protect the connection better. */
enum ria_channel ria_mariadb_channel(struct ria_mariadb *mysql, const char **remedy);

/* Returns true if MARIADB_TLS_DISABLE_PEER_VERIFICATION may be set and this library may be a
 * version that reads it. If the variable is set, a version that reads it checks no certificate, but
 * still reports that verification is on and that verification succeeded. */
bool ria_mariadb_may_skip_verification(const struct ria_mariadb *mysql);

/* Returns true if the client was given a CA (ssl-ca or ssl-capath), false if it uses the system's
 * CAs. */
bool ria_mariadb_has_ca(const struct ria_mariadb *mysql);

/* Sets the connection's error and logs the refusal. The user sees "ERROR 2061 (HY000): rds-iam:
 * text", and the library closes the connection. Returns the value that authenticate() must return.
 */
int ria_mariadb_fail(struct ria_mariadb *mysql, const char *text);

/* Does the same as ria_mariadb_fail(), but ends the handshake first: sends the server an empty
 * password and reads the response. The server then counts a denied login instead of a broken
 * handshake. Some servers block a host after a number of broken handshakes. Blocks until the server
 * responds or the library's timeout ends the read. */
int ria_mariadb_refuse(struct ria_mariadb_vio *vio, struct ria_mariadb *mysql, const char *text);

/* For use after read_packet() has returned a negative value: returns true if the server asked for
 * another plugin, whose name begins at packet + 1. On a broken connection read_packet() returns a
 * negative value too, but then *mysql has an error set. */
bool ria_mariadb_is_switch(const struct ria_mariadb *mysql, const unsigned char *packet);

/* Returns false if the library's memory is not laid out as abi.h declares it. In this case the
 * caller must not use either argument. */
bool ria_mariadb_is_supported(const struct ria_mariadb_vio *vio, const struct ria_mariadb *mysql);

/* Returns what authenticate() must return after ria_mariadb_is_supported() returned false: an error
 * number, for which the library shows its own text. That text does not name the reason, so this
 * function logs the reason as a warning. */
int ria_mariadb_refuse_unsupported(void);

/* Responds to a server that has asked for a password in clear text: sends the program's own
 * password or a token, or refuses the login. Returns the value that authenticate() must return. */
int ria_mariadb_authenticate(struct ria_mariadb_vio *vio, struct ria_mariadb *mysql);

/* Defines the one symbol that a plugin exports. The two plugins differ only in their name and in
 * `function`, the authenticate() that the library calls. */
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
