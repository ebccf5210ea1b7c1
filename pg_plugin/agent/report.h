/* SPDX-License-Identifier: MIT
 *
 * The agent's log: lines for people, each said once for as long as it is true. A round of work says
 * everything that it finds; what the round before said too is not repeated, so a source that stays
 * broken fills no disk. Lines never hold a secret, and control characters are replaced.
 */
#ifndef RIA_AGENT_REPORT_H
#define RIA_AGENT_REPORT_H

#include "rds_iam.h"

struct ria_report {
    int fd;        /* borrowed */
    bool has_time; /* lines begin with the time, for a log file */
    const struct ria_world *clock;
    struct ria_buf before; /* what the last round said, one line each */
    struct ria_buf now;
};

/* Some thousand sentences. Beyond it lines are said again in each round. */
enum {
    RIA_REPORT_MAX = 1024 * 1024
};

#define RIA_REPORT_INIT                                                                            \
    {                                                                                              \
        .fd = 2, .before = {.max = RIA_REPORT_MAX}, .now = {.max = RIA_REPORT_MAX }                \
    }

/* Says a line now, always: for events. */
void ria_report_event(struct ria_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says what is the case in this round, unless the round before said the same. */
void ria_report_state(struct ria_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Between two rounds. */
void ria_report_next(struct ria_report *report);

void ria_report_release(struct ria_report *report);

#endif
