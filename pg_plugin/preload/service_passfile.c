/* SPDX-License-Identifier: MIT
 *
 * A passfile that pg_service.conf names, asked for by its path alone: its lines follow from the
 * entries that name it, by the rules that the agent has for them. */
#include "preload/token_passfile.h"

#include "service/index.h"

#include <string.h>

struct wanted {
    const char *path;
    bool dry_run;
    struct ria_buf *out;
    size_t count;
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

static void service_passfile_take_entry(const struct ria_entry *entry, struct wanted *wanted)
{
    wanted->count++;
    if (!wanted->dry_run) {
        RIA_AUTO(refusals) refusals = {0};
        const struct ria_buf none = {0};
        struct ria_pq_target target = target_of(entry);
        (void)ria_token_passfile_add_lines(&target, 0, wanted->out, &refusals);
        ria_token_passfile_log_refusals(&target, &refusals, &none);
    }
}

/* An invalid entry disqualifies the whole passfile; it is the one that the log names. */
static bool take_entries(const struct ria_service_index *index, struct wanted *wanted)
{
    struct ria_passfile_place place;
    ria_passfile_locate(wanted->path, NULL, &place);
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
        service_passfile_take_entry(&here->entry, wanted);
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
    struct wanted wanted = {.path = path, .dry_run = dry_run, .out = out};
    struct ria_service_file files[RIA_SERVICE_FILES] = {0};
    RIA_AUTO(service_index) index = {0};
    ria_service_find(ria_process_world(), RIA_POSTGRESQL_SYSCONFDIR, &paths);
    for (size_t i = 0; i < paths.count; i++) {
        service_passfile_read_file(paths.path[i], i == 0 && paths.is_first_required, &files[i]);
    }
    bool ok =
        ria_service_index_make(files, paths.count, NULL, &index) && take_entries(&index, &wanted);
    for (size_t i = 0; i < paths.count; i++) {
        ria_service_file_release(&files[i]);
    }
    return ok ? wanted.count : 0;
}
