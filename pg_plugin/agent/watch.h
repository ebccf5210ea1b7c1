/* SPDX-License-Identifier: MIT
 *
 * Watches the files that the agent reads (service files and rds-iam's configuration) and the
 * agent's directory with inotify. Does not watch a file itself but the directory that contains it,
 * because editors replace files. If the file's path is a link, also watches the directory of the
 * link's target. Reports only that something may have changed; the caller determines what has
 * changed.
 */
#ifndef RIA_AGENT_WATCH_H
#define RIA_AGENT_WATCH_H

#include "agent/directory.h"

struct ria_watch {
    int fd;         /* readable after a change */
    int own;        /* inotify's number for the agent's directory */
    int own_parent; /* inotify's number for the parent of the agent's directory */
};

/* What may have changed. */
struct ria_watch_changes {
    bool is_edited; /* a file in a directory that contains a watched file */
    bool is_own;    /* a file in the agent's directory, or the directory itself or a parent of it */
};

/* Begins to watch the agent's directory. Returns false with err filled if that is impossible. */
bool ria_watch_open(
    struct ria_watch *watch,
    const struct ria_directory *directory,
    struct ria_error *err) RIA_MUST_USE;

/* Watches the file. If its directory does not exist, watches the nearest existing directory above
 * it. May be called repeatedly. Returns false with errno set if the agent may miss some edits. */
bool ria_watch_file(const struct ria_watch *watch, const char *path) RIA_MUST_USE;

/* Reads the pending events without blocking, and returns what may have changed. Calls changed()
 * with the name in each event of the agent's directory. */
struct ria_watch_changes ria_watch_read(
    const struct ria_watch *watch, void (*changed)(void *self, const char *name), void *self);

void ria_watch_release(struct ria_watch *watch);

#endif
