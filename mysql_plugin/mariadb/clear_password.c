/* SPDX-License-Identifier: MIT
 *
 * The entry point of mysql_clear_password.so, which replaces the distribution's plugin of that
 * name. When a database user with IAM authentication logs in, RDS requests this plugin. If the
 * library's layout is not that of abi.h, the plugin refuses the login. */
#include "plugin.h"

static int clear_password_authenticate(struct ria_mariadb_vio *vio, struct ria_mariadb *mysql)
{
    return ria_mariadb_is_supported(vio, mysql) ? ria_mariadb_authenticate(vio, mysql)
                                                : ria_mariadb_refuse_unsupported();
}

RIA_MARIADB_DECLARE("mysql_clear_password", clear_password_authenticate)
