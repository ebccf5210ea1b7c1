/* SPDX-License-Identifier: MIT
 *
 * Whether two paths lead to one passfile, which need not be there: realpath() would fail then.
 * Directories are compared by their numbers, because one that is mounted twice has two paths. No
 * file is opened: an agent may serve it.
 */
#ifndef RIA_SERVICE_PASSFILE_PATH_H
#define RIA_SERVICE_PASSFILE_PATH_H

#include <limits.h>
#include <stdbool.h>

enum {
    RIA_PASSFILE_LINKS_MAX = 40 /* as the kernel has it */
};

/* Copies everything in front of the last component. False if there is none, or it is too long. */
bool ria_passfile_parent(const char *path, char parent[PATH_MAX]);

/* Replaces a path whose last component is a link by what the link says. False if it is none. */
bool ria_passfile_follow(char path[PATH_MAX]);

/* Links of the last component and of those before it are followed on both sides. */
bool ria_passfile_is_same(const char *path, const char *other);

#endif
