/* SPDX-License-Identifier: MIT
 *
 * librds-iam-pq.so: lists the client libraries whose functions it interposes. All else is in the
 * two halves that it is linked from. */
#include "preload/mysql_list.h"
#include "preload/pq_list.h"

const struct ria_interposed_list *const ria_interposed_lists[] = {
    &ria_pq_interposed, &ria_mysql_interposed, NULL};
