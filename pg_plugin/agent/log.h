/* SPDX-License-Identifier: MIT
 *
 * The agent's log, for users to read. A message about a state is logged only once while the state
 * lasts: when the agent loads the service files, it logs the errors that it finds, except those
 * that it also found in the previous load. A warning (ria_log_warning()) is repeated at most once
 * an hour, so a source of credentials that stays broken does not fill the disk. Lines contain no
 * secrets, and control characters are replaced. The lines have the format of base/log_line.h. Each
 * line is also written to the file that RDS_IAM_LOG names, if RDS_IAM_LOG includes the line's
 * level. If there is such a file, the lines of ria_log_detail() are written only to it.
 */
#ifndef RIA_AGENT_LOG_H
#define RIA_AGENT_LOG_H

#include "rds_iam.h"

/* A set of messages, stored as hashes. */
struct ria_log_set {
    uint64_t *hashes;
    size_t count;
};

/* The number of warnings that the log remembers, so that it does not repeat them. More than a dozen
 * different warnings at a time are rare. */
enum {
    RIA_LOG_WARNED_MAX = 16
};

struct ria_log {
    int fd;        /* borrowed */
    bool has_time; /* true for a log file, whose lines contain the time */
    const struct ria_world *clock;
    struct ria_log_set before; /* the messages of the previous load */
    struct ria_log_set now;    /* the messages of the current load */
    struct {
        uint64_t hash;
        int64_t until; /* until this time, the warning is not logged again; seconds since 1970 */
    } warned[RIA_LOG_WARNED_MAX];
    size_t next_warning;
};

/* Returns a hash for comparing messages. Never 0. */
uint64_t ria_log_hash(const char *text);

/* Both functions always log the event: ria_log_event() at the level info, and ria_log_error() at
 * the level warning. */
void ria_log_event(struct ria_log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void ria_log_error(struct ria_log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Logs a state that the current load has found, unless the current or the previous load has already
 * found the same state, that is, the same message. */
void ria_log_state(struct ria_log *log, enum ria_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Logs a line of the core at a level that RDS_IAM_LOG includes. Writes the line to the file that
 * RDS_IAM_LOG names. If it names no file, or the file cannot be used, writes the line to the
 * agent's log. */
void ria_log_detail(struct ria_log *log, enum ria_log_level level, const char *line);

/* Ends the current load. Call it between two loads. */
void ria_log_next(struct ria_log *log);

/* Logs a warning, unless the same warning was logged within the last hour. A warning is logged
 * again earlier if RIA_LOG_WARNED_MAX other warnings were logged since. */
void ria_log_warning(struct ria_log *log, const char *line);

void ria_log_release(struct ria_log *log);

#endif
