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
    RIA_REPORT_WARNINGS = 16
};

struct ria_report {
    int fd;        /* borrowed */
    bool has_time; /* lines begin with the time, for a log file */
    const struct ria_world *clock;
    struct ria_said before; /* what the last loading said */
    struct ria_said now;
    struct {
        uint64_t hash;
        int64_t until;
    } warned[RIA_REPORT_WARNINGS];
    size_t next_warning;
};

#define RIA_REPORT_INIT                                                                            \
    {                                                                                              \
        .fd = 2                                                                                    \
    }

/* For telling whether a sentence has changed. Never 0. */
uint64_t ria_report_hash(const char *text);

/* Says a line now, always: for events. */
void ria_report_event(struct ria_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says what this loading found, unless the one before said the same. */
void ria_report_state(struct ria_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Between two loadings. */
void ria_report_next(struct ria_report *report);

/* Says a line unless it was said within the last hour. */
void ria_report_warning(struct ria_report *report, const char *line);

void ria_report_release(struct ria_report *report);

#endif
