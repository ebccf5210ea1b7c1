/* SPDX-License-Identifier: MIT
 *
 * Builds the messages with which every plugin refuses a login, so that all client libraries show
 * the same words. How a message reaches the user differs between the libraries: see refuse.c in
 * each folder.
 */
#ifndef RIA_MYSQL_PLUGIN_MESSAGE_H
#define RIA_MYSQL_PLUGIN_MESSAGE_H

#include "rds_iam.h"

/* The author and the description in each plugin's declaration. */
#define RIA_PLUGIN_AUTHOR "the rds-iam authors"
#define RIA_PLUGIN_DESCRIPTION "sends RDS IAM tokens with mysql_clear_password"

/* A client library stores 511 bytes of an error text, and some libraries put their own words in
 * front of the text. */
enum {
    RIA_PLUGIN_MESSAGE_SIZE = 480
};

/* Writes the text that the user reads: "rds-iam: text". Cuts a text that is too long and ends it
 * with "...". Replaces control characters, and also '%', because Connector/C passes the text to a
 * printf function as the format. */
void ria_message_format(char out[RIA_PLUGIN_MESSAGE_SIZE], const char *text);

/* Does the same as ria_message_format(), but writes no prefix "rds-iam: ". Use it for a text that
 * begins with the client library's own words. */
void ria_message_format_bare(char out[RIA_PLUGIN_MESSAGE_SIZE], const char *text);

/* Writes a message like "the connection is not encrypted, so no WHAT was sent; REMEDY" to `out`.
 * The channel decides the first part. `what` is "token" or "password". `remedy` names the client's
 * setting that would protect the connection better. */
void ria_message_channel(
    char out[RIA_ERROR_TEXT_MAX], enum ria_channel channel, const char *what, const char *remedy);

/* Logs a refused login and its reason: "USER at HOST:PORT is refused: text". Most programs show the
 * client library's error, but some do not. So the line has the level INFO: it appears with
 * RDS_IAM_LOG=1, but not under `rds-iam exec`, which sets RDS_IAM_LOG=warning. host and user may be
 * NULL. */
void ria_log_refusal(const char *host, unsigned port, const char *user, const char *text);

#endif
