/* SPDX-License-Identifier: MIT
 *
 * The log of a preload, for warnings that no other object of rds-iam can report. Also records the
 * program's stderr before main() (os/guest_stderr.h).
 */
#ifndef RIA_INTERPOSE_PRELOAD_LOG_H
#define RIA_INTERPOSE_PRELOAD_LOG_H

#include <stdbool.h>

/* Returns true if warnings are written: RDS_IAM_LOG is set, and neither empty nor "0". */
bool ria_preload_log_is_enabled(void);

/* Writes a warning to stderr if ria_preload_log_is_enabled() is true. `text` has no newline and is
 * cut after 1000 bytes. Changes errno. */
void ria_preload_log_warning(const char *text);

#endif
