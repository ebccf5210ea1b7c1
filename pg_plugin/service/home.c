/* SPDX-License-Identifier: MIT
 *
 * One look into passwd. The programs that ask have one thread. */
#include "service/home.h"

#include <pwd.h>
#include <stddef.h>
#include <unistd.h>

const char *ria_home_of_user(void)
{
    const struct passwd *entry = getpwuid(geteuid()); /* NOLINT(concurrency-mt-unsafe) */
    return entry == NULL ? NULL : entry->pw_dir;
}
