/* SPDX-License-Identifier: MIT
 *
 * What we know of libpq: the functions that are interposed, and what is asked of the library behind
 * them. Its headers are not included and it is not linked: the program brings its own copy, of any
 * version from 10 to 18, and maybe several. tests/lint/test_abi.py compares this with the installed
 * headers.
 */
#ifndef RIA_PRELOAD_ABI_H
#define RIA_PRELOAD_ABI_H

#define RIA_INTERPOSED __attribute__((visibility("default")))

struct ria_pq_conn; /* PGconn */

/* PQconninfoOption. Lists of it end with a NULL keyword. */
struct ria_pq_option {
    char *keyword;
    char *envvar;
    char *compiled;
    char *val; /* NULL: not set */
    char *label;
    char *dispchar;
    int dispsize;
};

enum {
    RIA_PQ_CONNECTION_BAD = 1,
};

RIA_INTERPOSED struct ria_pq_conn *PQconnectdb(const char *conninfo);
RIA_INTERPOSED struct ria_pq_conn *PQconnectStart(const char *conninfo);
RIA_INTERPOSED struct ria_pq_conn *PQconnectdbParams(
    const char *const *keywords, const char *const *values, int expand_dbname);
RIA_INTERPOSED struct ria_pq_conn *PQconnectStartParams(
    const char *const *keywords, const char *const *values, int expand_dbname);
RIA_INTERPOSED struct ria_pq_conn *PQsetdbLogin(/* NOLINT(readability-function-size) */
                                                const char *host,
                                                const char *port,
                                                const char *options,
                                                const char *tty,
                                                const char *dbname,
                                                const char *login,
                                                const char *password);
/* PGPing is an enumeration without negative values. */
RIA_INTERPOSED unsigned PQping(const char *conninfo);
RIA_INTERPOSED unsigned PQpingParams(
    const char *const *keywords, const char *const *values, int expand_dbname);
RIA_INTERPOSED void PQreset(struct ria_pq_conn *conn);
RIA_INTERPOSED int PQresetStart(struct ria_pq_conn *conn);

#endif
