/* SPDX-License-Identifier: MIT
 *
 * The log of a preload: what it reports itself, where no other object of ours can do that for it.
 * Also records what the program's stderr is before anything else of the program has run
 * (os/guest_stderr.h).
 */
#ifndef RIA_INTERPOSE_PRELOAD_LOG_H
#define RIA_INTERPOSE_PRELOAD_LOG_H

#include <stdbool.h>

/* Whether warnings are read by anybody: RDS_IAM_LOG is set, and neither empty nor "0". */
bool ria_preload_log_is_heard(void);

/* Writes a warning into the log: where RDS_IAM_LOG is set. `text` is a sentence without newline.
 * Changes errno. */
void ria_preload_log_warning(const char *text);

#endif
