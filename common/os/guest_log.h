/* SPDX-License-Identifier: MIT
 *
 * Writes the log of the current process, which may be another vendor's program, as RDS_IAM_LOG
 * configures it (base/log_line.h): to stderr (guest_stderr.h) or to a file. This code is part of
 * the core and of librds-iam-pq.so. RDS_IAM_LOG is ignored in a program that runs in
 * secure-execution mode (setuid, file capabilities).
 *
 * The file is opened for each line and then closed. So the process keeps no additional descriptor,
 * and a program such as logrotate may rename the file at any time. A line is one write(2) with
 * O_APPEND, so lines of several processes do not mix on a local file system. The file is created
 * with mode 0600. It must be a regular file that belongs to root or to the effective user, and its
 * mode must not let every user write to it. If the path itself is a symbolic link, it is refused; a
 * directory above the file may be a link. The file is not used while the effective user or group
 * differs from the real one.
 *
 * If the file cannot be used, the line goes to stderr. A process also writes the reason to stderr
 * once, before the first of these lines.
 */
#ifndef RIA_GUEST_LOG_H
#define RIA_GUEST_LOG_H

#include "base/log_line.h"

/* Reads RDS_IAM_LOG. Returns out->is_on. */
bool ria_guest_log_setting(struct ria_log_setting *out);

/* Writes a line if RDS_IAM_LOG includes the level. The process's first call also warns of an
 * invalid RDS_IAM_LOG. Raises no signal in the program. Restores errno. Thread-safe. */
void ria_guest_log_write(enum ria_log_level level, const char *text);

/* Warns of an invalid RDS_IAM_LOG, unless this process has already done so. Restores errno.
 * Thread-safe. */
void ria_guest_log_check(void);

/* Appends a line to the file. Does not write the line to stderr, but the first failure in a process
 * is reported on stderr with its reason. Returns false if the line was not written: RDS_IAM_LOG
 * names no file or does not include the level, or the file cannot be used. Restores errno.
 * Thread-safe. */
bool ria_guest_log_to_file(enum ria_log_level level, const char *text);

#endif
