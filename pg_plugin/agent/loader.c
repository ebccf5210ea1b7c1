/* SPDX-License-Identifier: MIT
 *
 * Watches the files that the agent reads, and compares their stamps with those of the last reading.
 * A stamp is older than the text that was read. So an edit during the reading changes the stamp,
 * and the agent reads the file again. */
#include "agent/loader.h"

#include <errno.h>
#include <string.h>

enum {
    EDIT_MS = 50,
    RETRY_MS = 5000,
};

/* -- watching ------------------------------------------------------------------------------- */

static void watch_file(struct ria_loader *loader, const char *path)
{
    char words[128];
    if (!ria_watch_file(loader->watch, path) && !loader->has_warned) {
        loader->has_warned = true;
        ria_log_error(
            &loader->agent->log,
            "%s: cannot be watched: %s, so the agent sees edits of it, and perhaps of other files, "
            "only on SIGHUP; raise fs.inotify.max_user_watches",
            path,
            ria_text_of_errno(errno, words, sizeof(words)));
    }
}

static void watch_files(struct ria_loader *loader)
{
    const struct ria_entries *entries = &loader->serve->entries;
    const struct ria_config_snapshot *snapshot = &loader->agent->config;
    for (size_t i = 0; i < entries->path_count; i++) {
        watch_file(loader, entries->paths[i]);
    }
    for (size_t i = 0; i < snapshot->count; i++) {
        watch_file(loader, snapshot->files[i].path);
    }
}

/* Returns the number of files that watch_files() watches. */
static size_t count_files(const struct ria_loader *loader)
{
    return loader->serve->entries.path_count + loader->agent->config.count;
}

/* -- reading -------------------------------------------------------------------------------- */

/* Logs that memory ran out, and makes the worker read the service files again after RETRY_MS. */
static void retry_later(struct ria_loader *loader)
{
    ria_log_error(&loader->agent->log, RIA_MESSAGE_MEMORY, "the service files");
    memset(loader->stamps, 0, sizeof(loader->stamps));
    loader->due = ria_agent_ticks(loader->agent) + RETRY_MS;
}

/* Keeps the previous entries, and lists the error of the new files in --status. */
static void keep_entries(struct ria_loader *loader, const struct ria_entries *broken)
{
    struct ria_log *log = &loader->agent->log;
    char *invalid_file = loader->serve->entries.refusals.invalid_file;
    ria_log_state(
        log,
        RIA_LOG_WARNING,
        "the service files are invalid, so the previous entries are served until the files are "
        "fixed");
    ria_log_next(log);
    memcpy(invalid_file, broken->refusals.invalid_file, sizeof(broken->refusals.invalid_file));
}

/* Reads the service files. Returns true if new entries are in use. */
static bool load(struct ria_loader *loader)
{
    struct ria_agent *agent = loader->agent;
    struct ria_entries entries;
    bool ok = ria_entries_load(
        &agent->world, agent->sysconfdir, &agent->directory, &agent->log, &entries);
    ria_watchdog_ping(&agent->watchdog);
    memcpy(loader->stamps, entries.stamps, sizeof(loader->stamps));
    bool is_kept = ok && entries.is_broken && loader->is_loaded;
    bool is_new = ok && !is_kept && ria_serve_set_entries(loader->serve, &entries);
    if (is_kept) {
        keep_entries(loader, &entries);
    } else if (is_new) {
        loader->is_loaded = true;
    } else {
        retry_later(loader);
    }
    ria_entries_release(&entries);
    return is_new;
}

/* Reads rds-iam's configuration if it was edited since it was last read, and logs an error in it.
 */
static void refresh_config(struct ria_loader *loader)
{
    struct ria_agent *agent = loader->agent;
    struct ria_error err;
    bool was_whole = agent->config.is_whole;
    if (!ria_config_snapshot_refresh(&agent->config, &agent->world, &err)) {
        ria_log_error(
            &agent->log,
            "%s%s",
            err.text,
            was_whole ? "; the previous configuration is used until the file is fixed" : "");
    }
}

/* Returns true if a service file was edited since it was last read, or if none was read. */
static bool needs_load(const struct ria_loader *loader)
{
    const struct ria_entries *entries = &loader->serve->entries;
    bool is_edited = !loader->is_loaded;
    for (size_t i = 0; i < entries->path_count; i++) {
        is_edited = is_edited || ria_config_snapshot_stamp(entries->paths[i]) != loader->stamps[i];
    }
    return is_edited;
}

bool ria_loader_read(struct ria_loader *loader, bool all)
{
    size_t watched = count_files(loader);
    loader->due = INT64_MAX;
    watch_files(loader);
    refresh_config(loader);
    bool is_new = (all || needs_load(loader)) && load(loader);
    /* The first reading finds the paths of the files. The next one watches the files, and reads
     * those that were edited in between. */
    if (count_files(loader) != watched && loader->due == INT64_MAX) {
        loader->due = ria_agent_ticks(loader->agent);
    }
    return is_new;
}

void ria_loader_note_edit(struct ria_loader *loader)
{
    if (loader->due == INT64_MAX) {
        loader->due = ria_agent_ticks(loader->agent) + EDIT_MS;
    }
}
