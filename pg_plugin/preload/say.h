/* SPDX-License-Identifier: MIT
 *
 * What this object says itself, where the other one, which has the log, cannot be asked.
 */
#ifndef RIA_PRELOAD_SAY_H
#define RIA_PRELOAD_SAY_H

#include <stdbool.h>

/* Whether warnings are read by anybody: RDS_IAM_LOG is set, and neither empty nor "0". */
bool ria_is_heard(void);

/* Writes a warning into the log, as the other object does: where RDS_IAM_LOG is set. `text` is a
 * sentence without newline. Changes errno. */
void ria_say_warning(const char *text);

/* The warning why no token can be made, and what to do. Changes errno. */
void ria_say_no_token(const char *why, const char *what_to_do);

#endif
