/* SPDX-License-Identifier: MIT
 *
 * How both halves know a passfile of the agent's: by its name alone, because the first half asks
 * this for every file that its program opens.
 */
#ifndef RIA_PRELOAD_AGENTS_PATH_H
#define RIA_PRELOAD_AGENTS_PATH_H

#include <stdbool.h>
#include <string.h>

/* True for a file in a directory .../rds-iam/run, where rds-iam-agent keeps them by default. */
static inline bool ria_is_agents_path(const char *path)
{
    static const char directory[] = "/rds-iam/run";
    const char *name = strrchr(path, '/');
    size_t len = name == NULL ? 0 : (size_t)(name - path);
    size_t tail = sizeof(directory) - 1;
    return *path == '/' && len >= tail && memcmp(name - tail, directory, tail) == 0 &&
           name[1] != '\0' && name[1] != '.';
}

#endif
