/* SPDX-License-Identifier: MIT
 *
 * Stores the access key ids of the tokens that this process has used. These are the tokens that
 * were made in this process. If no token was made for a connection, the tokens in the connection's
 * passfile count as used, too. If the program later gives a token whose access key id is stored
 * here, the program has retained this token from an earlier connection of this process, or of the
 * process that forked it. The credentials may have been renewed since. So a later token with
 * another access key id may replace the given token (module.h).
 *
 * Thread-safe.
 */
#ifndef RIA_PRELOAD_KEY_HISTORY_H
#define RIA_PRELOAD_KEY_HISTORY_H

#include <stdbool.h>

/* ria_key_history_add() stores the access key id of `token`. ria_key_history_has() returns true if
 * that id is among the last 16. Text may precede and follow the token, as in a line of a passfile.
 * ria_key_history_has() returns false if `token` is NULL or contains no access key id. */
void ria_key_history_add(const char *token);
bool ria_key_history_has(const char *token);

#endif
