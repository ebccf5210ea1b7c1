/* SPDX-License-Identifier: MIT
 *
 * What a connection's settings are, by libpq's own rules: arguments, connection string or URI,
 * service file, environment, defaults. libpq itself is asked: it begins the same connection with
 * one setting that it refuses before it looks at any network; what it had settled by then can be
 * read from the refused connection. No rule of libpq's is repeated here. An answer counts only if
 * libpq's message shows that it refused that one setting: where it failed for another reason, such
 * as a lack of memory, it had not settled what it would settle the next time.
 *
 * All of it needs libpq 10 or later; an older one is not asked.
 */
#ifndef RIA_PRELOAD_PROBE_H
#define RIA_PRELOAD_PROBE_H

#include "preload/abi.h"
#include "preload/arguments.h"
#include "preload/pq_target.h"

#include "interpose/library.h"

/* The settings of a connection as libpq has settled them. */
struct ria_settled {
    const struct ria_library *libpq;
    struct ria_pq_option *options;
    bool has_stored_password; /* the passfile has one for the first host, and it is not a token */
    char *stored_token;       /* or it has a token; NULL: none */
    struct ria_pq_conn *refused; /* where libpq itself refuses the connection: its handle */
    char *service_path;          /* the service file that the settings came from; NULL: none */
    int service_fd;              /* the same file, open for reading; -1: it cannot be kept open */
};

enum ria_probe_response {
    RIA_PROBE_SETTLED,
    RIA_PROBE_REFUSED, /* libpq refuses the connection, or has no memory: settled->refused is its
                          handle, with its message */
    RIA_PROBE_UNKNOWN, /* it cannot be told what the connection would send */
};

/* Whether this copy of libpq can be asked: false before libpq 10. */
bool ria_probe_is_possible(const struct ria_library *libpq);

/* Asks. `spoiled` is the setting that is made invalid, and is what cannot be read then. *arguments
 * is left as it was. Release *out in any case, or use RIA_AUTO(settled). */
enum ria_probe_response ria_probe(
    const struct ria_library *libpq,
    struct ria_arguments *arguments,
    const char *spoiled,
    struct ria_settled *out);

/* Finds the service file that libpq took settings of this connection from, as it opens it:
 * settled->service_path and service_fd. False if that cannot be told. */
bool ria_probe_service(
    const struct ria_library *libpq, struct ria_arguments *arguments, struct ria_settled *settled);

/* The settings of a connection that there is. False without memory. Release *out in any case. */
bool ria_probe_connection(
    const struct ria_library *libpq, struct ria_pq_conn *conn, struct ria_settled *out);

/* -- what follows from the settings ---------------------------------------------------------- */

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
