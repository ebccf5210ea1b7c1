/* SPDX-License-Identifier: MIT
 *
 * The world of a sub-command: the process's own, except that warnings are printed on stderr. */
#include "tool/tool.h"

#include <stdio.h>

/* Prints a warning on stderr, and also writes it to the log file if RDS_IAM_LOG names one. Passes
 * any other line to the log that RDS_IAM_LOG configures. */
static void log_for_user(void *self, enum ria_log_level level, const char *line)
{
    (void)self;
    if (level == RIA_LOG_WARNING) {
        (void)fprintf(stderr, "rds-iam: warning: %s\n", line);
        (void)ria_process_log_to_file(level, line);
    } else {
        ria_world_log(ria_process_world(), level, "%s", line);
    }
}

struct ria_world ria_tool_world(void)
{
    struct ria_world world = *ria_process_world();
    world.log = log_for_user;
    return world;
}
