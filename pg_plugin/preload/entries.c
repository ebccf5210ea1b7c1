/* SPDX-License-Identifier: MIT
 *
 * A passfile that pg_service.conf names, asked for by its path alone: its lines follow from the
 * entries that name it, by the rules that the agent has for them. */
#include "preload/mint.h"

#include <string.h>

struct wanted {
    const char *path;
    bool only_ask;
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

/* An entry that is not fit spoils the whole passfile, as ria_entry_may_share() says. */
static bool take_entry(const struct ria_entry *entry, struct wanted *wanted)
{
    const struct ria_world *world = ria_process_world();
    struct ria_error err;
    if (!ria_entry_check(entry, &err)) {
        ria_world_log(world, RIA_LOG_WARNING, "%s", err.text);
        return false;
    }
    wanted->count++;
    if (!wanted->only_ask) {
        RIA_AUTO(refusals) refusals = {0};
        const struct ria_buf none = {0};
        struct ria_pq_target target = target_of(entry);
        (void)ria_mint_lines(&target, 0, wanted->out, &refusals);
        ria_mint_say_refusals(&target, &refusals, &none);
    }
    return true;
}

static bool take_file(const struct ria_service_file *file, struct wanted *wanted)
{
    for (size_t i = 0; i < file->count; i++) {
        struct ria_entry entry;
        if (ria_entry_take(file, &file->services[i], &entry) &&
            strcmp(entry.passfile, wanted->path) == 0 && !take_entry(&entry, wanted)) {
            return false;
        }
    }
    return true;
}

size_t ria_mint_entries(const char *path, bool only_ask, struct ria_buf *out)
{
    const struct ria_world *world = ria_process_world();
    struct ria_service_paths paths;
    struct wanted wanted = {.path = path, .only_ask = only_ask, .out = out};
    /* A guest asks no passwd. */
    ria_service_find(world, NULL, RIA_POSTGRESQL_SYSCONFDIR, &paths);
    for (size_t i = 0; i < paths.count; i++) {
        RIA_AUTO(service_file) file;
        struct ria_error err;
        enum ria_outcome outcome = ria_service_read(paths.path[i], world, &file, &err);
        if (outcome == RIA_FAILED) {
            ria_world_log(world, RIA_LOG_WARNING, "%s", err.text);
        }
        if (outcome == RIA_FOUND && !take_file(&file, &wanted)) {
            return 0;
        }
    }
    return wanted.count;
}
