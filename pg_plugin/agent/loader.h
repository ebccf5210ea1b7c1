/* SPDX-License-Identifier: MIT
 *
 * Reads the service files and rds-iam's configuration for the worker, at its start and after each
 * edit. The agent watches a file before it reads the file, so each later edit is noticed.
 */
#ifndef RIA_AGENT_LOADER_H
#define RIA_AGENT_LOADER_H

#include "agent/serve.h"
#include "agent/watch.h"

struct ria_loader {
    struct ria_agent *agent;
    struct ria_serve *serve; /* gets the entries */
    struct ria_watch *watch;
    int64_t due;        /* when to read the edited files, in ticks; INT64_MAX: no file was edited */
    uint64_t stamps[2]; /* the stamps of the service files that were read last, even if they are
                           invalid or contain no entry; 0: read the file again */
    bool is_loaded;     /* a load has succeeded, even if it has found no entry */
    bool has_warned;    /* the log contains the warning that a file cannot be watched */
};

/* Reads rds-iam's configuration if it was edited, and the service files if one of them was edited,
 * or in any case with `all`. Returns true if new entries are in use. If a service file is invalid,
 * and an earlier load has succeeded, the entries of the earlier load stay in use. If memory runs
 * out, logs this and sets `due`, so that the worker tries again after 5 seconds. */
bool ria_loader_read(struct ria_loader *loader, bool all);

/* Sets `due`, after an event of the watch. Delays the reading for a moment, because an editor saves
 * a file in several steps. */
void ria_loader_note_edit(struct ria_loader *loader);

#endif
