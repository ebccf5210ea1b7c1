/* SPDX-License-Identifier: MIT
 *
 * What each interposed function of libpq does, for a caller: an address in the object that calls,
 * by which the copy of libpq is found, or one in the copy itself. Parameters and results are
 * libpq's: see abi.h.
 */
#ifndef RIA_PRELOAD_INTERPOSE_H
#define RIA_PRELOAD_INTERPOSE_H

#include "preload/abi.h"

struct ria_pq_conn *ria_interpose_connectdb(const void *caller, const char *conninfo);

struct ria_pq_conn *ria_interpose_start(const void *caller, const char *conninfo);

struct ria_pq_conn *ria_interpose_connectdb_params(
    const void *caller, const char *const *keywords, const char *const *values, int expand_dbname);

struct ria_pq_conn *ria_interpose_start_params(
    const void *caller, const char *const *keywords, const char *const *values, int expand_dbname);

/* login: the arguments of PQsetdbLogin(), in its order. */
struct ria_pq_conn *ria_interpose_login(const void *caller, const char *const *login);

unsigned ria_interpose_ping(const void *caller, const char *conninfo);

unsigned ria_interpose_ping_params(
    const void *caller, const char *const *keywords, const char *const *values, int expand_dbname);

void ria_interpose_reset(const void *caller, struct ria_pq_conn *conn);

int ria_interpose_reset_start(const void *caller, struct ria_pq_conn *conn);

#endif
