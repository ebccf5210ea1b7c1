/* SPDX-License-Identifier: MIT
 *
 * The part of libpq's binary interface that the preload uses: the nine interposed functions, and
 * the types of their arguments and results. The preload does not include libpq's headers and is not
 * linked with libpq, because each program loads its own copy of libpq, in any version from 10 to
 * 18, and some programs load several copies. tests/lint/test_abi.py compares this file with the
 * installed headers.
 */
#ifndef RIA_PRELOAD_ABI_H
#define RIA_PRELOAD_ABI_H

#define RIA_INTERPOSED __attribute__((visibility("default")))

struct ria_pq_conn; /* PGconn; opaque */

/* PQconninfoOption. An array of options ends with one whose keyword is NULL. */
struct ria_pq_option {
    char *keyword;
    char *envvar;
    char *compiled;
    char *val; /* NULL: not set */
    char *label;
    char *dispchar;
    int dispsize;
};

/* A value of ConnStatusType, which PQstatus() returns. */
enum {
    RIA_PQ_CONNECTION_BAD = 1,
};

/* libpq's own prototypes; the preload defines and exports these functions (interposed.c). */
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
/* PQping() and PQpingParams() return a PGPing. This enumeration has no negative values, so the ABI
 * returns it as an unsigned. */
RIA_INTERPOSED unsigned PQping(const char *conninfo);
RIA_INTERPOSED unsigned PQpingParams(
    const char *const *keywords, const char *const *values, int expand_dbname);
RIA_INTERPOSED void PQreset(struct ria_pq_conn *conn);
RIA_INTERPOSED int PQresetStart(struct ria_pq_conn *conn);

#endif
