/* SPDX-License-Identifier: MIT
 *
 * Lists the interposed functions of libmariadb and libmysqlclient, for the replacement of dlsym()
 * in the same object (interpose/lookup.h).
 */
#ifndef RIA_MYSQL_PRELOAD_MYSQL_LIST_H
#define RIA_MYSQL_PRELOAD_MYSQL_LIST_H

#include "interpose/lookup.h"

extern const struct ria_interposed_list ria_mysql_interposed;

#endif
