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

#include "preload/settled.h"

enum ria_probe_answer {
    RIA_PROBE_SETTLED,
    RIA_PROBE_REFUSED, /* libpq refuses the connection, or has no memory: settled->refused is its
                          handle, with its message */
    RIA_PROBE_UNKNOWN, /* it cannot be told what the connection would send */
};

enum {
    RIA_PROBE_ARGUMENTS = 3 /* the room that a probe needs in its arguments */
};

/* Whether this copy of libpq can be asked: false before libpq 10. */
bool ria_probe_is_possible(const struct ria_library *libpq);

/* Asks. `spoiled` is the setting that is made invalid, and is what cannot be read then. *arguments
 * is left as it was. Release *out in any case, or use RIA_AUTO(settled). */
enum ria_probe_answer ria_probe(
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

#endif
