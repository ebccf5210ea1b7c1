/* SPDX-License-Identifier: MIT
 *
 * The way of a sentence to the user: the connection's error, as every client shows it. */
#include "plugin.h"

#include <stdio.h>

/* The library passes a connection's error text to a printf function when it reconnects
 * (mariadb_reconnect() in mariadb_lib.c, 3.1 to 3.4), so no % may be in it. */
static void take_out_percent(char *text)
{
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '%') {
            *at = '?';
        }
    }
}

/* An empty password ends the handshake properly. What the server answers is overwritten. */
static void end_handshake(struct ria_mariadb_vio *vio)
{
    unsigned char *packet = NULL;
    if (vio->read_packet(vio, &packet) >= 0 &&
        vio->write_packet(vio, (const unsigned char *)"", 1) == 0) {
        (void)vio->read_packet(vio, &packet);
    }
}

int ria_mariadb_refuse(
    struct ria_mariadb_vio *vio, struct ria_mariadb *mysql, bool tls_is_up, const char *text)
{
    char sentence[480]; /* the library keeps 511 bytes and puts some of its own in front */
    int written = snprintf(sentence, sizeof(sentence), "rds-iam: %s", text);
    if (written >= (int)sizeof(sentence)) {
        ria_mark_cut(sentence, sizeof(sentence));
    }
    ria_printable(sentence);
    take_out_percent(sentence);
    if (tls_is_up) {
        end_handshake(vio);
    }
    mysql->methods->set_error(mysql, RIA_MARIADB_PLUGIN_ERROR, "HY000", "%s", sentence);
    return RIA_MARIADB_ERROR;
}
