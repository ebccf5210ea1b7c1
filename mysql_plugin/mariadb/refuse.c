/* SPDX-License-Identifier: MIT
 *
 * The way of a sentence to the user: the connection's error, as every client shows it. */
#include "plugin.h"

enum {
    SWITCH_REQUEST = 254, /* AuthSwitchRequest: this byte, then the name of a plugin */
    ANSWERS_MAX = 4,      /* no server needs a second one */
};

/* An empty password ends the handshake properly. What the server answers is overwritten. A server
 * that asks on gets it again, because a request that is left open is followed by the library, as if
 * nothing had been refused.
 *
 * Where the plugin was asked before anything was sent (by the greeting, by default-auth), the first
 * read makes the library send the beginning of a login, in TLS if it can, and with no password. */
static void end_handshake(struct ria_mariadb_vio *vio, const struct ria_mariadb *mysql)
{
    unsigned char *packet = NULL;
    bool is_asked = vio->read_packet(vio, &packet) >= 0 || ria_mariadb_is_switch(mysql, packet);
    for (int responses = 0; is_asked && responses < ANSWERS_MAX; responses++) {
        packet = NULL;
        is_asked = vio->write_packet(vio, (const unsigned char *)"", 1) == 0 &&
                   vio->read_packet(vio, &packet) < 0 && ria_mariadb_is_switch(mysql, packet);
    }
}

bool ria_mariadb_is_switch(const struct ria_mariadb *mysql, const unsigned char *packet)
{
    return packet != NULL && mysql->net.last_errno == 0 && packet[0] == SWITCH_REQUEST;
}

int ria_mariadb_fail(struct ria_mariadb *mysql, const char *text)
{
    char message[RIA_PLUGIN_MESSAGE_SIZE];
    ria_log_refusal(mysql->host, mysql->port, mysql->user, text);
    ria_message_format(message, text);
    mysql->methods->set_error(mysql, RIA_MARIADB_PLUGIN_ERROR, "HY000", "%s", message);
    return RIA_MARIADB_ERROR;
}

int ria_mariadb_refuse(struct ria_mariadb_vio *vio, struct ria_mariadb *mysql, const char *text)
{
    end_handshake(vio, mysql);
    return ria_mariadb_fail(mysql, text);
}

int ria_mariadb_refuse_no_endpoint(void)
{
    ria_world_log(
        ria_process_world(),
        RIA_LOG_WARNING,
        "this client library is not known to the plugin for MariaDB Connector/C 3.1 to 3.4, so "
        "nothing was sent");
    return RIA_MARIADB_PLUGIN_ERROR;
}
