/* SPDX-License-Identifier: MIT
 *
 * aws_rds_iam.so, for libraries that have mysql_clear_password built in and never look for ours:
 * default-auth=aws_rds_iam makes it the plugin that every login begins with.
 *
 * Its first read makes the library send what a login begins with, in TLS if it is told to and
 * without any password, and brings what the server asks for. If that is a password in clear, it
 * answers; anything else is left to the library, which loads the plugin that was asked for. So
 * accounts that are no IAM users are not touched, at the price of one round trip, and no token is
 * put where the library keeps a password. */
#include "plugin.h"

#include <string.h>

/* The library keeps a 0 behind each packet, so the name can be compared where it lies. */
static bool asks_for_clear_password(const unsigned char *packet)
{
    return strcmp((const char *)packet + 1, "mysql_clear_password") == 0;
}

static int default_auth_authenticate(struct ria_mariadb_vio *vio, struct ria_mariadb *mysql)
{
    unsigned char *packet = NULL;
    if (!ria_mariadb_has_endpoint(vio, mysql)) {
        return ria_mariadb_refuse_no_endpoint();
    }
    if (vio->read_packet(vio, &packet) < 0) {
        return ria_mariadb_is_switch(mysql, packet) && asks_for_clear_password(packet)
                   ? ria_mariadb_authenticate(vio, mysql)
                   : RIA_MARIADB_ERROR;
    }
    /* A greeting that names this plugin: the library hands over its data and has sent nothing. To
     * go on would be a login without TLS, whatever was asked for. */
    if (packet != mysql->net.read_pos) {
        return ria_mariadb_fail(mysql, RIA_REFUSAL_MARIADB_GREETING);
    }
    return RIA_MARIADB_DONE;
}

RIA_MARIADB_DECLARE("aws_rds_iam", default_auth_authenticate)
