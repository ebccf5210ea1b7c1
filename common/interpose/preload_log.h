/* SPDX-License-Identifier: MIT
 *
 * Writes the preload's own lines to the log of the process (os/guest_log.h), for example if another
 * object of rds-iam is not installed. Also remembers, before main(), which file is the program's
 * stderr (os/guest_stderr.h).
 */
#ifndef RIA_INTERPOSE_PRELOAD_LOG_H
#define RIA_INTERPOSE_PRELOAD_LOG_H

#include "base/log_line.h"
#include "interpose/library.h"

/* Returns true if lines of that level are written. Call this function before work that is done only
 * for a log line. */
bool ria_preload_logs(enum ria_log_level level);

/* Writes a line if lines of that level are written. `text` has no newline and is cut after
 * RIA_LOG_LINE_MAX bytes. Restores errno. */
void ria_preload_log(enum ria_log_level level, const char *text);

/* Writes a line at the level debug about the copy that a call of `function` is meant for: the file
 * of the copy, and the library that the preload recognized in it. Restores errno. */
void ria_preload_log_library(
    const struct ria_library *library, const char *function, const char *recognized);

/* An object that the preload loads on demand, and that may be in a package that is not installed.
 */
struct ria_preload_part {
    const char *object;      /* its path */
    const char *consequence; /* what does not work without it; RIA_WITHOUT_... */
    const char *package;     /* RIA_PACKAGE_... */
    bool is_logged;          /* ria_preload_log_absent() has logged its one line */
};

/* Returns true if the object does not exist, and logs a warning the first time. Restores errno.
 * Thread-safe. */
bool ria_preload_log_absent(struct ria_preload_part *part);

#endif
