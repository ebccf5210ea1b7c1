/* SPDX-License-Identifier: MIT
 *
 * What this object says itself, where the other one, which has the log, cannot be asked.
 */
#ifndef RIA_PRELOAD_SAY_H
#define RIA_PRELOAD_SAY_H

#include <stdbool.h>

/* Whether warnings are read by anybody: RDS_IAM_LOG is set. */
bool ria_is_heard(void);

/* Says, as a warning of the log, why no token can be made and what to do. Changes errno. */
void ria_say_no_token(const char *why, const char *what_to_do);

#endif
