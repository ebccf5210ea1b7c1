/* SPDX-License-Identifier: MIT
 *
 * One file after the other, without a lease. */
#include "agent/once.h"

#include "agent/sweep.h"
#include "agent/token_line.h"

static bool fill(struct ria_mint *mint, struct ria_set *set, struct ria_served *file)
{
    struct ria_agent *agent = mint->agent;
    struct ria_error err;
    RIA_AUTO(buf) text = {.max = RIA_PASSFILE_MAX};
    if (!ria_may_replace(&agent->directory, file->name, &err)) {
        file->is_missing = true;
        ria_report_event(&agent->report, "%s", err.text);
        return false;
    }
    for (size_t i = file->first; i < file->first + file->count; i++) {
        (void)ria_mint_line(mint, &set->lines[i], &text);
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
    ria_report_event(&agent->report, "%s", err.text);
    return false;
}

bool ria_once(struct ria_agent *agent)
{
    struct ria_set set;
    struct ria_mint mint = {.agent = agent};
    bool ok =
        ria_set_load(&agent->world, agent->sysconfdir, &agent->directory, &agent->report, &set);
    if (!ok) {
        ria_report_event(&agent->report, RIA_MESSAGE_MEMORY, "the service files");
    }
    for (size_t i = 0; i < set.file_count; i++) {
        ok = fill(&mint, &set, &set.files[i]) && ok;
    }
    size_t served = ria_set_count_served(&set);
    if (set.entries == 0) {
        ria_report_event(&agent->report, RIA_MESSAGE_NO_PASSFILE, agent->directory.path);
    } else {
        ria_report_event(
            &agent->report,
            "%zu of %zu services have their tokens in %s",
            served,
            set.entries,
            agent->directory.path);
    }
    ok = ok && !set.is_broken && set.entries > 0 && served == set.entries;
    ria_set_release(&set);
    return ok;
}
