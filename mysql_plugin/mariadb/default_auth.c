/* SPDX-License-Identifier: MIT
 *
 * The entry point of aws_rds_iam.so. This plugin is for libraries that have mysql_clear_password
 * built in and therefore never load mysql_clear_password.so. The user sets
 * default-auth=aws_rds_iam, and the library begins every login with this plugin.
 *
 * The plugin's first read makes the library send the first packet of a login, over TLS if the
 * client's options ask for TLS, and without any password. If the server then asks for another
 * plugin, read_packet() returns a negative value, but also the packet with the plugin's name. If
 * the server asks for a password in clear text, this plugin responds. The plugin leaves any other
 * request to the library, which loads the plugin that the server named. So a login of an account
 * without IAM does not change, except for one more round trip. The plugin never writes a token to
 * the library's password field. */
#include "plugin.h"

#include <string.h>

/* The library puts a NUL after each packet, so the name can be compared in place. */
static bool asks_for_clear_password(const unsigned char *packet)
{
    return strcmp((const char *)packet + 1, "mysql_clear_password") == 0;
}

static int default_auth_authenticate(struct ria_mariadb_vio *vio, struct ria_mariadb *mysql)
{
    unsigned char *packet = NULL;
    if (!ria_mariadb_is_supported(vio, mysql)) {
        return ria_mariadb_refuse_unsupported();
    }
    if (vio->read_packet(vio, &packet) < 0) {
        return ria_mariadb_is_switch(mysql, packet) && asks_for_clear_password(packet)
                   ? ria_mariadb_authenticate(vio, mysql)
                   : RIA_MARIADB_ERROR;
    }
    /* read_packet() returns either the packet that the library read last, or data of the server's
     * greeting. It returns the greeting's data if the greeting names this plugin. The library has
     * then sent nothing yet. If the plugin continued, the login would not use TLS, whatever the
     * client's options are. */
    if (packet != mysql->net.read_pos) {
        return ria_mariadb_fail(mysql, RIA_REFUSAL_MARIADB_GREETING);
    }
    return RIA_MARIADB_DONE;
}

RIA_MARIADB_DECLARE("aws_rds_iam", default_auth_authenticate)
