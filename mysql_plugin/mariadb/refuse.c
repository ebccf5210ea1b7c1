/* SPDX-License-Identifier: MIT
 *
 * The way of a sentence to the user: the connection's error, as every client shows it. */
#include "plugin.h"

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
    char sentence[RIA_SENTENCE_SIZE];
    ria_sentence(sentence, text);
    if (tls_is_up) {
        end_handshake(vio);
    }
    mysql->methods->set_error(mysql, RIA_MARIADB_PLUGIN_ERROR, "HY000", "%s", sentence);
    return RIA_MARIADB_ERROR;
}
