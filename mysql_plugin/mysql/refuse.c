/* SPDX-License-Identifier: MIT
 *
 * Reports a refusal through the connection's error fields, as CR_ERROR of the library's
 * plugin_auth_common.h requires. The library has no function that a plugin could call for this. So
 * ria_mysql_set_error() (layout.c) writes the fields directly. */
#include "message.h"
#include "plugin.h"

/* Ends the handshake with an empty password, even without TLS: an empty password reveals nothing,
 * and a server blocks a host after a number of broken handshakes. If the write fails,
 * ria_mysql_set_error() overwrites the error that the library has set. */
int ria_mysql_refuse(
    struct ria_mysql_vio *vio, const struct ria_mysql_connection *connection, const char *text)
{
    char message[RIA_PLUGIN_MESSAGE_SIZE];
    (void)vio->write_packet(vio, (const unsigned char *)"", 1);
    ria_log_refusal(connection->host, connection->port, connection->user, text);
    ria_message_format(message, text);
    ria_mysql_set_error(connection, RIA_MYSQL_PLUGIN_ERROR, message);
    return RIA_MYSQL_ERROR;
}

int ria_mysql_refuse_as_stock(const struct ria_mysql_connection *connection, const char *reason)
{
    char text[2 * RIA_ERROR_TEXT_MAX];
    char message[RIA_PLUGIN_MESSAGE_SIZE];
    ria_log_refusal(connection->host, connection->port, connection->user, reason);
    (void)ria_text_format(text, sizeof(text), RIA_REFUSAL_MYSQL_NOT_ENABLED, reason);
    ria_message_format_bare(message, text);
    ria_mysql_set_error(connection, RIA_MYSQL_PLUGIN_CANNOT_LOAD, message);
    return RIA_MYSQL_ERROR;
}
