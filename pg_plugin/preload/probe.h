/* SPDX-License-Identifier: MIT
 *
 * What a connection's settings come to, by libpq's own rules: arguments, connection string or URI,
 * service file, environment, defaults. libpq itself is asked, by beginning the same connection with
 * one setting that it refuses before it looks at any network; what it had settled by then can be
 * read from the refused connection. No rule of libpq's is repeated here.
 */
#ifndef RIA_PRELOAD_PROBE_H
#define RIA_PRELOAD_PROBE_H

#include "preload/libpq.h"

#include <stddef.h>

/* The arguments of PQconnectdbParams(). The arrays and the text are owned, what else they point at
 * is borrowed. */
struct ria_arguments {
    const char **keywords;
    const char **values;
    size_t count;
    size_t room;
    int expand_dbname;
    char *text; /* for an argument that nobody else has; or NULL */
};

/* Makes room for `room` arguments. False without memory. Release it, or use RIA_AUTO(arguments). */
bool ria_arguments_init(struct ria_arguments *arguments, size_t room, int expand_dbname);

/* Appends one. Within the room asked for. */
void ria_arguments_add(struct ria_arguments *arguments, const char *keyword, const char *value);

/* Memory for a text of the arguments' own; they have one at most. NULL if there is none. */
char *ria_arguments_text(struct ria_arguments *arguments, size_t size);

void ria_arguments_release(struct ria_arguments *arguments);

struct ria_settled {
    const struct ria_libpq *libpq;
    struct ria_pq_option *options;
    bool has_stored_password; /* the passfile has one for the first host, and no token */
    char *stored_token;       /* or it has a token; NULL: none */
};

/* Asks. `spoiled` is the setting that is made invalid, and is what cannot be read then. False if
 * libpq did not say. *arguments has room for one more and is left as it was. Release *out. */
bool ria_probe(
    const struct ria_libpq *libpq,
    struct ria_arguments *arguments,
    const char *spoiled,
    struct ria_settled *out);

/* The settings of a connection that there is. */
bool ria_probe_connection(
    const struct ria_libpq *libpq, struct ria_pq_conn *conn, struct ria_settled *out);

/* A setting's value; NULL where it has none or is empty. */
char *ria_settled_value(const struct ria_settled *settled, const char *keyword);

void ria_settled_release(struct ria_settled *settled);

#endif
