/* SPDX-License-Identifier: MIT
 *
 * Writes passfile lines, and follows the links of a passfile's path step by step. Two paths lead to
 * the same file if their last steps are the same name in the same directory. Follows at most as
 * many links as the kernel does. */
#include "passfile/passfile.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINKS_MAX = 40 /* the kernel's limit */
};

/* -- lines ---------------------------------------------------------------------------------- */

static void add_field(struct ria_buf *out, const char *text)
{
    /* A field that is an unescaped "*" matches every value; an escaped "*" matches only this
     * character. */
    if (strcmp(text, "*") == 0) {
        ria_buf_add_char(out, '\\');
    }
    while (*text != '\0') {
        size_t len = strcspn(text, ":\\");
        ria_buf_add(out, text, len);
        text += len;
        if (*text != '\0') {
            ria_buf_add_char(out, '\\');
            ria_buf_add_char(out, *text++);
        }
    }
}

void ria_passfile_add(struct ria_buf *out, const struct ria_passfile_line *line)
{
    const char *const fields[] = {line->host, line->port, line->user, line->password};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        out->failed = out->failed || strchr(fields[i], '\n') != NULL;
    }
    add_field(out, line->host);
    ria_buf_add_char(out, ':');
    add_field(out, line->port);
    ria_buf_add_text(out, ":*:");
    add_field(out, line->user);
    ria_buf_add_char(out, ':');
    add_field(out, line->password);
    ria_buf_add_char(out, '\n');
}

/* -- places --------------------------------------------------------------------------------- */

/* Copies the path without its last component to `parent`. Returns false if the path is relative or
 * the result is too long. */
static bool copy_parent(const char *path, char parent[PATH_MAX])
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

/* If the last component of the path is a link, replaces the path by the link's target. Returns
 * false if the last component is not a link, or if the result is too long. */
static bool passfile_follow(char path[PATH_MAX])
{
    char target[PATH_MAX];
    char parent[PATH_MAX];
    ssize_t len = readlink(path, target, sizeof(target) - 1);
    if (len <= 0 || !copy_parent(path, parent)) {
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

/* Fills *out with the directory of a path and the last component. Returns false, with *out
 * unchanged, if the directory does not exist or the name is too long. */
static bool find_step(const char *path, struct ria_passfile_place *out)
{
    char parent[PATH_MAX];
    struct stat status;
    if (!copy_parent(path, parent) || stat(parent, &status) != 0) {
        return false;
    }
    const char *name = strrchr(path, '/') + 1;
    size_t len = strlen(name);
    if (len >= sizeof(out->name)) {
        return false;
    }
    out->directory = (struct ria_passfile_directory){status.st_dev, status.st_ino};
    memcpy(out->name, name, len + 1);
    return true;
}

bool ria_passfile_same_directory(
    const struct ria_passfile_directory *directory, const struct ria_passfile_directory *other)
{
    return directory->inode != 0 && directory->inode == other->inode &&
           directory->device == other->device;
}

void ria_passfile_locate(
    const char *path, const struct ria_passfile_directory *own, struct ria_passfile_place *out)
{
    char step[PATH_MAX];
    *out = (struct ria_passfile_place){.path = path};
    bool is_step = snprintf(step, sizeof(step), "%s", path) < (int)sizeof(step);
    for (int i = 0; is_step && i <= LINKS_MAX; i++) {
        struct ria_passfile_place here = {.path = path};
        bool is_in_own = own != NULL && ria_passfile_same_directory(&out->directory, own);
        if (find_step(step, &here) &&
            (!is_in_own || ria_passfile_same_directory(&here.directory, own))) {
            *out = here;
        }
        is_step = passfile_follow(step);
    }
}

#define COMPARE(left, right) (((left) > (right)) - ((left) < (right)))

int ria_passfile_compare(
    const struct ria_passfile_place *left, const struct ria_passfile_place *right)
{
    int order = COMPARE(left->directory.inode, right->directory.inode);
    if (order == 0) {
        order = COMPARE(left->directory.device, right->directory.device);
    }
    if (order == 0) {
        order = left->directory.inode != 0 ? strcmp(left->name, right->name)
                                           : strcmp(left->path, right->path);
    }
    return order;
}
