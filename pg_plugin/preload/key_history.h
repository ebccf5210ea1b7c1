/* SPDX-License-Identifier: MIT
 *
 * The access key ids of the tokens that this process has had from us, or where we make none from a
 * passfile. A program that comes with such a token has kept it from an earlier connection, its own
 * or that of the process that it was forked from; credentials may have been renewed since.
 */
#ifndef RIA_PRELOAD_KEY_HISTORY_H
#define RIA_PRELOAD_KEY_HISTORY_H

#include <stdbool.h>

/* Of the last ones. token may have more behind it, as a line of a passfile has. */
void ria_key_history_add(const char *token);
bool ria_key_history_has(const char *token);

#endif
