/* SPDX-License-Identifier: MIT
 *
 * The agent's log: lines for people, each said once for as long as it is true. A loading of the
 * service files says everything that it finds; what the loading before said too is not repeated.
 * Warnings of single tokens are repeated once an hour. So a source that stays broken fills no disk.
 * Lines never hold a secret, and control characters are replaced.
 */
#ifndef RIA_AGENT_LOG_H
#define RIA_AGENT_LOG_H

#include "rds_iam.h"

/* Sentences, by their hashes. */
struct ria_said {
    uint64_t *hashes;
    size_t count;
};

/* A dozen different warnings at a time are many. */
enum {
    RIA_LOG_WARNED_MAX = 16
};

struct ria_log {
    int fd;        /* borrowed */
    bool has_time; /* lines begin with the time, for a log file */
    const struct ria_world *clock;
    struct ria_said before; /* what the last loading said */
    struct ria_said now;
    struct {
        uint64_t hash;
        int64_t until;
    } warned[RIA_LOG_WARNED_MAX];
    size_t next_warning;
};

/* For telling whether a sentence has changed. Never 0. */
uint64_t ria_log_hash(const char *text);

/* Says a line now, always: for events. */
void ria_log_event(struct ria_log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says what this loading found, unless the one before said the same. */
void ria_log_state(struct ria_log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Between two loadings. */
void ria_log_next(struct ria_log *log);

/* Says a line unless it was said within the last hour. */
void ria_log_warning(struct ria_log *log, const char *line);

void ria_log_release(struct ria_log *log);

#endif
