/* SPDX-License-Identifier: MIT
 *
 * The interposed functions of libpq, for the object that replaces dlsym() (interpose/lookup.h).
 */
#ifndef RIA_PRELOAD_PQ_LIST_H
#define RIA_PRELOAD_PQ_LIST_H

#include "interpose/lookup.h"

extern const struct ria_interposed_list ria_pq_interposed;

#endif
