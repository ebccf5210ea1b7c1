/* SPDX-License-Identifier: MIT
 *
 * What the files of this plugin offer one another. Nothing here leaves the shared object.
 */
#ifndef RIA_MARIADB_PLUGIN_H
#define RIA_MARIADB_PLUGIN_H

#include "abi.h"
#include "mint.h"
#include "rds_iam.h"
#include "sentence.h"

/* How well the connection is protected, as the library itself tells it. *missing is then the
 * setting that would make it better, as the second half of a sentence; static text. */
enum ria_channel ria_mariadb_channel(struct ria_mariadb *mysql, const char **missing);

/* Ends the handshake with a refusal. The user sees ERROR 2061 (HY000): rds-iam: text. Where TLS is
 * up the server gets an empty password and answers, so that it counts a denied login instead of a
 * broken connection. Returns what authenticate must return. */
int ria_mariadb_refuse(
    struct ria_mariadb_vio *vio, struct ria_mariadb *mysql, bool tls_is_up, const char *text);

#endif
