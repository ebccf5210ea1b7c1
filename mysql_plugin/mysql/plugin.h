/* SPDX-License-Identifier: MIT
 *
 * Declares the functions that the files of the MySQL plugin share. The shared objects do not export
 * them.
 */
#ifndef RIA_MYSQL_PLUGIN_H
#define RIA_MYSQL_PLUGIN_H

#include "layout.h"

/* Responds to a server that has asked for mysql_clear_password: sends a token, sends the program's
 * own password (if the environment allows passwords), or refuses the login. interface_version is
 * the version of the plugin interface that the plugin declares. Returns RIA_MYSQL_OK or
 * RIA_MYSQL_ERROR and no other value. Blocks for RIA_LOGIN_BUDGET_MS at most, except for network
 * writes. Thread-safe. Preserves errno. */
int ria_mysql_authenticate(
    struct ria_mysql_vio *vio, struct ria_mysql *mysql, unsigned interface_version);

/* Sets the connection's error and logs the refusal. The user sees "ERROR 2061 (HY000): rds-iam:
 * text". First sends an empty password, so that the server counts a denied login and not a broken
 * handshake: MySQL blocks a host after a number of broken handshakes. Returns the value that
 * authenticate() must return. */
int ria_mysql_refuse(
    struct ria_mysql_vio *vio,
    const struct ria_mysql_connection *connection,
    const char *text) RIA_MUST_USE;

/* Refuses a login as the library's own plugin does if the environment does not allow passwords.
 * Call it if the program gave a password, or dialed a host for which no tokens are made. Sends
 * nothing. Sets the error number and text of the library's own plugin, followed by `reason` and
 * what to do. Logs the refusal. Returns the value that authenticate() must return. */
int ria_mysql_refuse_as_stock(const struct ria_mysql_connection *connection, const char *reason)
    RIA_MUST_USE;

#endif
