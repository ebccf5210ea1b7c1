/* SPDX-License-Identifier: MIT
 *
 * The access key ids of the tokens that this process has used: those that were made here and, for
 * connections for which none was made, those that a passfile contained. A program that gives a
 * token with such an id has stored it from an earlier connection, its own or that of the process
 * that it was forked from. The credentials may have been renewed since then, so a later token with
 * another access key id may replace it (module.h).
 *
 * From any thread.
 */
#ifndef RIA_PRELOAD_KEY_HISTORY_H
#define RIA_PRELOAD_KEY_HISTORY_H

#include <stdbool.h>

/* Remembers the access key id of `token`, or finds it among the last 16. Text may precede and
 * follow the token, as in a line of a passfile. NULL, or a text without an access key id, is not in
 * the history. */
void ria_key_history_add(const char *token);
bool ria_key_history_has(const char *token);

#endif
