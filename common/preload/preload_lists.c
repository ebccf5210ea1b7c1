/* SPDX-License-Identifier: MIT
 *
 * Lists the client libraries whose functions librds-iam-pq.so interposes. All other code of that
 * object is in pg_plugin/preload, mysql_plugin/preload, common/interpose, and the part of the core
 * that needs only libc (ria_libc_only_lib in common/meson.build). */
#include "preload/mysql_list.h"
#include "preload/pq_list.h"

const struct ria_interposed_list *const ria_interposed_lists[] = {
    &ria_pq_interposed, &ria_mysql_interposed, NULL};
