/* SPDX-License-Identifier: MIT
 *
 * Reports a refusal through the connection's error fields, which most clients show, and ends the
 * handshake so that the server does not count the handshake as broken. Also refuses a login in a
 * library whose layout is not that of abi.h. */
#include "plugin.h"

enum {
    SWITCH_REQUEST = 254, /* first byte of an AuthSwitchRequest; the name of a plugin follows it */
    RESPONSES_MAX = 4,    /* no known server needs more than one */
};

/* Ends the handshake with an empty password. ria_mariadb_fail() later overwrites the error that the
 * server returns. If the server then sends another AuthSwitchRequest, sends the empty password
 * again. If the plugin left a request unanswered, the library would switch to the requested plugin
 * and continue the login, although this plugin had refused.
 *
 * The library may call the plugin before the library has sent anything, because the server's
 * greeting or default-auth names this plugin. The first read_packet() then makes the library send
 * its first login packet, over TLS if possible, and without a password. */
static void end_handshake(struct ria_mariadb_vio *vio, const struct ria_mariadb *mysql)
{
    unsigned char *packet = NULL;
    bool is_asked = vio->read_packet(vio, &packet) >= 0 || ria_mariadb_is_switch(mysql, packet);
    for (int responses = 0; is_asked && responses < RESPONSES_MAX; responses++) {
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

int ria_mariadb_refuse_unsupported(void)
{
    ria_world_log(
        ria_process_world(),
        RIA_LOG_WARNING,
        "this client library is not MariaDB Connector/C 3.1 to 3.4, so the plugin sent nothing");
    return RIA_MARIADB_PLUGIN_ERROR;
}
