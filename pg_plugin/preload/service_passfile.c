/* SPDX-License-Identifier: MIT
 *
 * Makes the lines of a passfile that pg_service.conf names, from the path of the passfile alone.
 * Reads the service files, finds the entries whose passfile= is that path, and adds a line for each
 * host of these entries. Applies the agent's rules (service/index.h): if one entry is invalid, no
 * entry that shares its passfile gets tokens. */
#include "preload/token_passfile.h"

#include "base/messages.h"
#include "service/index.h"

#include <string.h>

/* The lines of one passfile, while they are collected. */
struct service_lines {
    const char *path;
    bool dry_run;
    struct ria_buf *out;
    size_t count; /* the number of entries that name the passfile */
};

static struct ria_pq_target target_of(const struct ria_entry *entry)
{
    return (struct ria_pq_target){
        .host = entry->host,
        .hostaddr = entry->hostaddr,
        .port = entry->port,
        .user = entry->user,
        .sslmode = entry->sslmode,
    };
}

static void service_passfile_add_entry(const struct ria_entry *entry, struct service_lines *lines)
{
    lines->count++;
    if (!lines->dry_run) {
        RIA_AUTO(refusals) refusals = {0};
        const struct ria_buf none = {0};
        struct ria_pq_target target = target_of(entry);
        (void)ria_token_passfile_add_lines(&target, 0, lines->out, &refusals);
        ria_token_passfile_log_refusals(&target, &refusals, &none);
    }
}

/* Adds the lines of every entry that names the passfile. If one of these entries is invalid, logs
 * that entry and returns false. */
static bool add_entries(const struct ria_service_index *index, struct service_lines *lines)
{
    struct ria_passfile_place place;
    ria_passfile_locate(lines->path, NULL, &place);
    for (size_t i = 0; i < index->entry_count; i++) {
        const struct ria_indexed_service *here = index->by_passfile[i];
        struct ria_error err;
        if (ria_passfile_compare(&here->passfile, &place) != 0) {
            continue;
        }
        const struct ria_indexed_service *invalid = here->is_valid ? here->opposite : here;
        if (invalid != NULL && !ria_entry_check(&invalid->entry, &err)) {
            ria_world_log(ria_process_world(), RIA_LOG_WARNING, "%s", err.text);
            return false;
        }
        service_passfile_add_entry(&here->entry, lines);
    }
    return true;
}

static void service_passfile_read_file(
    const char *path, bool is_required, struct ria_service_file *file)
{
    const struct ria_world *world = ria_process_world();
    struct ria_error err;
    if (ria_service_read(path, is_required, world, file, &err) == RIA_FAILED) {
        ria_world_log(world, RIA_LOG_WARNING, "%s", err.text);
    }
}

size_t ria_token_passfile_add_entries(const char *path, bool dry_run, struct ria_buf *out)
{
    struct ria_service_paths paths;
    struct service_lines lines = {.path = path, .dry_run = dry_run, .out = out};
    struct ria_service_file files[RIA_SERVICE_FILES] = {0};
    RIA_AUTO(service_index) index = {0};
    ria_service_find(ria_process_world(), RIA_POSTGRESQL_SYSCONFDIR, &paths);
    for (size_t i = 0; i < paths.count; i++) {
        service_passfile_read_file(paths.path[i], i == 0 && paths.is_first_required, &files[i]);
    }
    bool is_made = ria_service_index_make(files, paths.count, NULL, &index);
    if (!is_made) {
        ria_world_log(
            ria_process_world(),
            RIA_LOG_WARNING,
            "no token can be made for the passfile %s: " RIA_REFUSAL_MEMORY "; open it again",
            path);
    }
    bool ok = is_made && add_entries(&index, &lines);
    for (size_t i = 0; i < paths.count; i++) {
        ria_service_file_release(&files[i]);
    }
    return ok ? lines.count : 0;
}
