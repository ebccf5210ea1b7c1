/* SPDX-License-Identifier: MIT
 *
 * RDS_IAM_LOG is the one variable that this object reads. */
#include "preload/say.h"

#include "stderr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ria_is_heard(void)
{
    return secure_getenv("RDS_IAM_LOG") != NULL;
}

void ria_say_no_token(const char *why, const char *what_to_do)
{
    char line[1024];
    if (!ria_is_heard()) {
        return;
    }
    int len = snprintf(
        line,
        sizeof(line),
        "rds-iam: warning: no token can be made: %.700s; %.200s\n",
        why,
        what_to_do);
    if (len > 0) {
        ria_stderr_write(line, (size_t)len);
    }
}
