/* SPDX-License-Identifier: MIT
 *
 * Lists the interposed functions of libmariadb and libmysqlclient. librds-iam-pq.so contains this
 * list and a dlsym() that replaces libc's (interpose/lookup.h). This dlsym() reads the list.
 */
#ifndef RIA_MYSQL_PRELOAD_MYSQL_LIST_H
#define RIA_MYSQL_PRELOAD_MYSQL_LIST_H

#include "interpose/lookup.h"

extern const struct ria_interposed_list ria_mysql_interposed;

#endif
