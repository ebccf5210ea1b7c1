/* SPDX-License-Identifier: MIT
 *
 * inotify on what the agent reads and on its own directory. Files are watched through the
 * directories that they are in, because editors replace them; one behind a link also where the link
 * leads. It tells that something may have changed; what has, its user looks up.
 */
#ifndef RIA_AGENT_WATCH_H
#define RIA_AGENT_WATCH_H

#include "agent/directory.h"

struct ria_watch {
    int fd; /* can be read when something happened */
    int own;
    int own_parent;
};

struct ria_watch_news {
    bool is_edited; /* something next to the watched files */
    bool is_own;    /* something in the agent's directory, or to it; or one above it was moved */
};

bool ria_watch_open(
    struct ria_watch *watch,
    const struct ria_directory *directory,
    struct ria_error *err) RIA_MUST_USE;

/* Watches the file, or the nearest directory above it that there is. Repeating it does no harm.
 * False, with errno set, if its edits may not be seen. */
bool ria_watch_file(const struct ria_watch *watch, const char *path) RIA_MUST_USE;

/* Takes what has happened. For each name in the agent's directory it calls changed(). */
struct ria_watch_news ria_watch_take(
    const struct ria_watch *watch, void (*changed)(void *self, const char *name), void *self);

void ria_watch_release(struct ria_watch *watch);

#endif
