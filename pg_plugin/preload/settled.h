/* SPDX-License-Identifier: MIT
 *
 * The settings of a connection as libpq has settled them (probe.h), and what follows from them:
 * where the connection goes, whether one of its hosts is a Unix socket, and the arguments of the
 * same connection without its password.
 */
#ifndef RIA_PRELOAD_SETTLED_H
#define RIA_PRELOAD_SETTLED_H

#include "preload/abi.h"
#include "preload/arguments.h"
#include "preload/module.h"

#include "interpose/library.h"

struct ria_settled {
    const struct ria_library *libpq;
    struct ria_pq_option *options;
    bool has_stored_password; /* the passfile has one for the first host, and it is not a token */
    char *stored_token;       /* or it has a token; NULL: none */
    struct ria_pq_conn *refused; /* where libpq itself refuses the connection: its handle */
    char *service_path;          /* the service file that the settings came from; NULL: none */
    int service_fd;              /* the same file, open for reading; -1: it cannot be kept open */
};

/* A setting's value; NULL where it has none or is empty. */
char *ria_settled_value(const struct ria_settled *settled, const char *keyword);

/* Whether libpq tries Kerberos' encryption before TLS, as it does by default from 12 on, whatever
 * sslmode says: where there is a ticket, and the server, whoever it is, agrees. */
bool ria_settled_prefers_gss(const struct ria_settled *settled);

/* Where the connection goes. Strings are borrowed. */
struct ria_pq_target ria_settled_target(const struct ria_settled *settled);

/* The arguments of the same connection without its password and without the options of the list
 * `but`, which ends with NULL; with room for three more. False without memory. */
bool ria_settled_without_password(
    const struct ria_settled *settled, const char *const *but, struct ria_arguments *out);

void ria_settled_release(struct ria_settled *settled);

#endif
