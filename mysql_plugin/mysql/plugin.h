/* SPDX-License-Identifier: MIT
 *
 * What the files of this plugin offer one another. Nothing here leaves the shared object.
 */
#ifndef RIA_MYSQL_PLUGIN_H
#define RIA_MYSQL_PLUGIN_H

#include "layout.h"

/* Answers a server that has asked for mysql_clear_password: a token, a typed password where that is
 * allowed, or a refusal. Returns RIA_MYSQL_OK or RIA_MYSQL_ERROR and nothing else. Any thread. */
int ria_mysql_authenticate(
    struct ria_mysql_vio *vio, struct ria_mysql *mysql, unsigned interface_version);

/* The connection's error. The user sees ERROR 2061 (HY000): rds-iam: text. Where TLS is up the
 * server gets an empty password, so that it counts a denied login and not a broken handshake, of
 * which MySQL takes only so many from one host. Returns what authenticate must return. */
int ria_mysql_refuse(
    struct ria_mysql_vio *vio,
    const struct ria_mysql_connection *connection,
    const char *text) RIA_MUST_USE;

/* For a password, or a host that is none of ours, where the environment has not allowed passwords:
 * number and words of the library's own plugin, which would have refused the login and sent
 * nothing, and behind them the reason and what there is to do. */
int ria_mysql_refuse_as_stock(const struct ria_mysql_connection *connection, const char *reason)
    RIA_MUST_USE;

#endif
