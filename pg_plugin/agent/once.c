/* SPDX-License-Identifier: MIT
 *
 * One file after the other, without a lease. */
#include "agent/once.h"

#include "agent/leftovers.h"
#include "agent/token_line.h"

static bool fill(struct ria_mint *mint, struct ria_entries *entries, struct ria_served *file)
{
    struct ria_agent *agent = mint->agent;
    struct ria_error err;
    RIA_AUTO(buf) text = {.max = RIA_PASSFILE_MAX};
    if (!ria_leftovers_may_replace(&agent->directory, file->name, &err)) {
        file->is_missing = true;
        ria_log_event(&agent->log, "%s", err.text);
        return false;
    }
    for (size_t i = file->first; i < file->first + file->count; i++) {
        (void)ria_mint_line(mint, &entries->lines[i], &text);
    }
    if (file->count == 0) {
        ria_directory_remove(&agent->directory, file->name);
        return true;
    }
    if (text.failed) {
        (void)ria_fail(
            &err, RIA_E_SYSTEM, "%s: the passfile is too long, or no memory", file->name);
    } else if (ria_directory_publish(&agent->directory, file->name, &text, &err)) {
        return true;
    }
    file->is_missing = true;
    ria_directory_remove(&agent->directory, file->name);
    ria_log_event(&agent->log, "%s", err.text);
    return false;
}

bool ria_once(struct ria_agent *agent)
{
    struct ria_entries entries;
    struct ria_mint mint = {.agent = agent};
    bool ok = ria_entries_load(
        &agent->world, agent->sysconfdir, &agent->directory, &agent->log, &entries);
    if (!ok) {
        ria_log_event(&agent->log, "out of memory while reading service files");
    }
    for (size_t i = 0; i < entries.file_count; i++) {
        ok = fill(&mint, &entries, &entries.files[i]) && ok;
    }
    size_t served = ria_entries_count_served(&entries);
    if (entries.entry_count == 0) {
        ria_log_event(
            &agent->log,
            "no service has its passfile here; add a line like this to one in pg_service.conf: "
            "passfile=%s/NAME",
            agent->directory.path);
    } else {
        ria_log_event(
            &agent->log,
            "%zu of %zu services have their tokens in %s",
            served,
            entries.entry_count,
            agent->directory.path);
    }
    ok = ok && !entries.is_broken && entries.entry_count > 0 && served == entries.entry_count;
    ria_entries_release(&entries);
    return ok;
}
