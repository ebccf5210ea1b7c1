/* SPDX-License-Identifier: MIT
 *
 * Implements the inotify watches. In the directories of the files that the agent reads, reports
 * that a file was created, renamed or removed, that its writer has closed it, or that its
 * attributes have changed. Does not report each write. In the agent's directory, reports only
 * renamed and removed files and changed attributes, because the agent itself creates and writes the
 * files there. Ignores a failure to watch the parents of the agent's directory. */
#include "agent/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint32_t edits = IN_CLOSE_WRITE | IN_CREATE | IN_MOVE | IN_DELETE | IN_ATTRIB |
                              IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD;
static const uint32_t own_edits =
    IN_MOVE | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD;

/* Watches every parent directory, because a move of a parent also moves the directory. If the
 * user's limit of watches is reached, the agent notices such a move only at the next event in the
 * directory or in the directory's parent, or on SIGHUP. */
static void watch_above(const struct ria_watch *watch, char *path)
{
    for (char *slash = strrchr(path, '/'); slash != NULL; slash = strrchr(path, '/')) {
        (void)inotify_add_watch(watch->fd, path, IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD);
        *slash = '\0';
    }
}

bool ria_watch_open(
    struct ria_watch *watch, const struct ria_directory *directory, struct ria_error *err)
{
    char parent[PATH_MAX];
    char words[128];
    *watch = (struct ria_watch){.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .own = -1};
    (void)snprintf(parent, sizeof(parent), "%s", directory->path);
    char *slash = strrchr(parent, '/');
    slash[slash == parent ? 1 : 0] = '\0';
    if (watch->fd >= 0) {
        watch->own = inotify_add_watch(watch->fd, directory->path, own_edits);
        watch->own_parent = inotify_add_watch(
            watch->fd, parent, IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR | IN_MASK_ADD);
        int saved = errno;
        watch_above(watch, parent);
        errno = saved;
    }
    if (watch->own < 0) {
        (void)ria_fail(
            err,
            RIA_E_SYSTEM,
            "%s: cannot be watched: %s; raise fs.inotify.max_user_instances and max_user_watches",
            directory->path,
            ria_text_of_errno(errno, words, sizeof(words)));
        ria_watch_release(watch);
        return false;
    }
    return true;
}

/* Watches the nearest existing directory above `path`. */
static bool watch_parent(const struct ria_watch *watch, const char *path)
{
    char parent[PATH_MAX];
    (void)snprintf(parent, sizeof(parent), "%s", path);
    for (char *slash = strrchr(parent, '/'); slash != NULL; slash = strrchr(parent, '/')) {
        bool is_root = slash == parent;
        slash[is_root ? 1 : 0] = '\0';
        if (inotify_add_watch(watch->fd, parent, edits) >= 0) {
            return true;
        }
        if (is_root || (errno != ENOENT && errno != ENOTDIR)) {
            return false;
        }
    }
    return true;
}

bool ria_watch_file(const struct ria_watch *watch, const char *path)
{
    char real[PATH_MAX];
    if (!watch_parent(watch, path)) {
        return false;
    }
    return realpath(path, real) == NULL || strcmp(real, path) == 0 || watch_parent(watch, real);
}

static void handle_event(
    const struct ria_watch *watch,
    const struct inotify_event *event,
    struct ria_watch_changes *changes,
    void (*changed)(void *self, const char *name),
    void *self)
{
    if (event->wd == watch->own || event->wd == watch->own_parent ||
        (event->mask & (IN_Q_OVERFLOW | IN_MOVE_SELF)) != 0) {
        changes->is_own = true;
        if (event->wd == watch->own && event->len > 0) {
            changed(self, event->name);
        }
    }
    if (event->wd != watch->own) {
        changes->is_edited = true;
    }
}

struct ria_watch_changes ria_watch_read(
    const struct ria_watch *watch, void (*changed)(void *self, const char *name), void *self)
{
    struct ria_watch_changes changes = {0};
    _Alignas(struct inotify_event) char bytes[16 * 1024];
    for (;;) {
        ssize_t len = read(watch->fd, bytes, sizeof(bytes));
        if (len <= 0) {
            return changes;
        }
        for (const char *at = bytes; at < bytes + len;) {
            struct inotify_event event;
            memcpy(&event, at, sizeof(event));
            const void *here = at;
            handle_event(watch, here, &changes, changed, self);
            at += sizeof(event) + event.len;
        }
    }
}

void ria_watch_release(struct ria_watch *watch)
{
    if (watch->fd >= 0) {
        (void)close(watch->fd);
    }
    watch->fd = -1;
}
