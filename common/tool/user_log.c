/* SPDX-License-Identifier: MIT
 *
 * The world (base/world.h) of a sub-command: the process's own, except that warnings are printed on
 * stderr. One command looks at the same login several times, so a warning that is equal to the one
 * before it is not printed again. */
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>

/* Prints a warning on stderr, and also writes it to the log file if RDS_IAM_LOG names one. Drops a
 * warning that is equal to the previous one. Passes any other line to the log that RDS_IAM_LOG
 * configures. */
static void log_for_user(void *self, enum ria_log_level level, const char *line)
{
    struct ria_tool_log *log = self;
    if (level == RIA_LOG_WARNING) {
        if (strcmp(line, log->last) == 0) {
            return;
        }
        (void)ria_text_copy(log->last, sizeof(log->last), line);
        (void)fprintf(stderr, "rds-iam: warning: %s\n", line);
        (void)ria_process_log_to_file(level, line);
    } else {
        ria_world_log(ria_process_world(), level, "%s", line);
    }
}

struct ria_world ria_tool_world(struct ria_tool_log *log)
{
    struct ria_world world = *ria_process_world(); /* whose functions do not read self */
    world.self = log;
    world.log = log_for_user;
    return world;
}
