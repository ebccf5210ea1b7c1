/* SPDX-License-Identifier: MIT
 *
 * Builds the text of a refusal: joins the parts, cuts the text to the size that a client library
 * stores, and replaces control characters and percent signs. Also logs the refusal. */
#include "message.h"

#include <string.h>

/* When Connector/C reconnects, it passes the connection's error text to a printf function as the
 * format (mariadb_reconnect() in mariadb_lib.c, 3.1 to 3.4), so the text must not contain a '%'. */
static void replace_percent(char *text)
{
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '%') {
            *at = '?';
        }
    }
}

static void message_fill(char out[RIA_PLUGIN_MESSAGE_SIZE], const char *start, const char *text)
{
    (void)ria_text_format(out, RIA_PLUGIN_MESSAGE_SIZE, "%s%s", start, text);
    ria_printable(out);
    replace_percent(out);
}

void ria_message_format(char out[RIA_PLUGIN_MESSAGE_SIZE], const char *text)
{
    message_fill(out, "rds-iam: ", text);
}

void ria_message_format_bare(char out[RIA_PLUGIN_MESSAGE_SIZE], const char *text)
{
    message_fill(out, "", text);
}

/* The core's own message (common/base/messages.h) describes the channel in general words. This
 * message can name the setting of the client library, because the caller knows the library. */
void ria_message_channel(
    char out[RIA_ERROR_TEXT_MAX], enum ria_channel channel, const char *what, const char *remedy)
{
    static const char *const words[] = {
        [RIA_CHANNEL_PLAIN] = RIA_REFUSAL_PLAIN,
        [RIA_CHANNEL_UNVERIFIED] = RIA_REFUSAL_UNVERIFIED,
        [RIA_CHANNEL_CHAIN_VERIFIED] = RIA_REFUSAL_NAME_UNVERIFIED,
        [RIA_CHANNEL_VERIFIED] = "the connection does not qualify for a token",
    };
    (void)ria_text_format(
        out, RIA_ERROR_TEXT_MAX, RIA_REFUSAL_NOT_SENT, words[channel], what, remedy);
}

void ria_log_refusal(const char *host, unsigned port, const char *user, const char *text)
{
    char shown[RIA_HOST_SHOWN_SIZE];
    ria_show_host(host == NULL ? "no host" : host, shown);
    ria_world_log(
        ria_process_world(),
        RIA_LOG_INFO,
        "%s at %s:%u is refused: %s",
        user == NULL || *user == '\0' ? "the process's user" : user,
        shown,
        port,
        text);
}
