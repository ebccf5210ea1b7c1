/* SPDX-License-Identifier: MIT
 *
 * Follows the links of a path step by step, and compares each step with each of the other path's.
 */
#include "service/passfile_path.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool ria_passfile_parent(const char *path, char parent[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? PATH_MAX : slash == path ? 1 : (size_t)(slash - path);
    if (*path != '/' || len >= PATH_MAX) {
        return false;
    }
    memcpy(parent, path, len);
    parent[len] = '\0';
    return true;
}

bool ria_passfile_follow(char path[PATH_MAX])
{
    char target[PATH_MAX];
    char parent[PATH_MAX];
    ssize_t len = readlink(path, target, sizeof(target) - 1);
    if (len <= 0 || !ria_passfile_parent(path, parent)) {
        return false;
    }
    target[len] = '\0';
    size_t before = *target == '/' ? 0 : strlen(parent) + 1;
    if (before + (size_t)len >= PATH_MAX) {
        return false;
    }
    if (before > 0) {
        (void)stpcpy(stpcpy(path, parent), "/");
    }
    memcpy(path + before, target, (size_t)len + 1);
    return true;
}

/* The same name in the same directory. */
static bool is_one_place(const char *path, const char *other)
{
    char parents[2][PATH_MAX];
    struct stat status;
    struct stat other_status;
    return ria_passfile_parent(path, parents[0]) && ria_passfile_parent(other, parents[1]) &&
           strcmp(strrchr(path, '/'), strrchr(other, '/')) == 0 && stat(parents[0], &status) == 0 &&
           stat(parents[1], &other_status) == 0 && status.st_ino == other_status.st_ino &&
           status.st_dev == other_status.st_dev;
}

/* One of path's steps is `other`. */
static bool leads_to(const char *path, const char *other)
{
    char step[PATH_MAX];
    int len = snprintf(step, sizeof(step), "%s", path);
    bool is_link = len < (int)sizeof(step);
    for (int i = 0; is_link && i <= RIA_PASSFILE_LINKS_MAX; i++) {
        if (is_one_place(step, other)) {
            return true;
        }
        is_link = ria_passfile_follow(step);
    }
    return false;
}

bool ria_passfile_is_same(const char *path, const char *other)
{
    char step[PATH_MAX];
    int len = snprintf(step, sizeof(step), "%s", other);
    bool is_link = len < (int)sizeof(step);
    if (strcmp(path, other) == 0) {
        return true;
    }
    for (int i = 0; is_link && i <= RIA_PASSFILE_LINKS_MAX; i++) {
        if (leads_to(path, step)) {
            return true;
        }
        is_link = ria_passfile_follow(step);
    }
    return false;
}
