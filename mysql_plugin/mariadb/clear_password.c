/* SPDX-License-Identifier: MIT
 *
 * mysql_clear_password.so: takes the place of the distribution's plugin of that name, which RDS
 * asks for. */
#include "plugin.h"

static int clear_password_authenticate(struct ria_mariadb_vio *vio, struct ria_mariadb *mysql)
{
    return ria_mariadb_has_endpoint(vio, mysql) ? ria_mariadb_authenticate(vio, mysql)
                                                : ria_mariadb_refuse_no_endpoint();
}

RIA_MARIADB_DECLARE("mysql_clear_password", clear_password_authenticate)
