/* SPDX-License-Identifier: MIT
 *
 * Writes a preload's warnings in the format of ria_world_log(). RDS_IAM_LOG is the only environment
 * variable that a preload reads, because a preload is loaded into every program. */
#include "interpose/preload_log.h"

#include "os/guest_stderr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ria_stderr_file ria_stderr_at_start;

/* Runs before main(), so descriptor 2 is still the file that the program inherited. The plugins and
 * the other objects of rds-iam find ria_stderr_at_start by its symbol name. */
__attribute__((constructor)) static void record_at_start(void)
{
    int saved = errno;
    ria_stderr_inspect(&ria_stderr_at_start);
    errno = saved;
}

bool ria_preload_log_is_enabled(void)
{
    const char *value = secure_getenv("RDS_IAM_LOG");
    return value != NULL && *value != '\0' && strcmp(value, "0") != 0;
}

void ria_preload_log_warning(const char *text)
{
    char line[1024];
    int len = snprintf(line, sizeof(line), "rds-iam: warning: %.1000s\n", text);
    if (len > 0 && ria_preload_log_is_enabled()) {
        ria_stderr_write(line, (size_t)len);
    }
}
