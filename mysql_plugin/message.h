/* SPDX-License-Identifier: MIT
 *
 * The words of a refusal, the same in every client library. How they reach the user is the
 * library's: refuse.c in each folder.
 */
#ifndef RIA_MYSQL_PLUGIN_MESSAGE_H
#define RIA_MYSQL_PLUGIN_MESSAGE_H

#include "rds_iam.h"

/* What the declarations of all our plugins say of them. */
#define RIA_PLUGIN_AUTHOR "the rds-iam authors"
#define RIA_PLUGIN_DESCRIPTION "RDS IAM tokens by way of mysql_clear_password"

/* The libraries keep 511 bytes of an error text, and some put words of their own in front. */
enum {
    RIA_PLUGIN_MESSAGE_SIZE = 480
};

/* What a user reads: "rds-iam: text", cut with "..." where it is too long, without control
 * characters and without a '%', which Connector/C would hand to printf. */
void ria_message_format(char out[RIA_PLUGIN_MESSAGE_SIZE], const char *text);

/* The same without the first word, for a text that begins with the library's own words. */
void ria_message_format_bare(char out[RIA_PLUGIN_MESSAGE_SIZE], const char *text);

/* Fills out with "the connection is not encrypted, so no WHAT was sent; MISSING", for each channel
 * in its own words. missing names the setting that would make it better. */
void ria_message_channel(
    char out[RIA_ERROR_TEXT_MAX], enum ria_channel channel, const char *what, const char *missing);

/* Logs that a login was refused, and why: "USER at HOST:PORT is refused: text". Some programs do
 * not show the client library's error. Most do, so the line is of level INFO: it appears with
 * RDS_IAM_LOG=1 and not under `rds-iam exec`, which sets "warning". host and user may be NULL. */
void ria_log_refusal(const char *host, unsigned port, const char *user, const char *text);

#endif
