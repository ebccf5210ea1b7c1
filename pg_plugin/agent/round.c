/* SPDX-License-Identifier: MIT
 *
 * A round: collect, check, mint, publish. Tokens live in the text of one passfile at a time. */
#include "agent/round.h"

#include "agent/lines.h"
#include "passfile/passfile.h"
#include "service/entry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    PASSFILE_MAX = 16 * 1024 * 1024, /* seven thousand hosts with long session tokens */
    RENEW_PART = 3,                  /* a token is replaced after a third of its life: 5 minutes */
    RETRY_SECONDS = 5,               /* after a failure */
    ROUND_SECONDS = 300,             /* and in any case */
};

/* An entry whose passfile is ours. */
struct candidate {
    struct ria_entry entry;
    const char *name; /* of its passfile in the directory */
    bool is_good;
};

struct work {
    struct ria_agent *agent;
    struct ria_round *round;
    int64_t now;
    struct ria_service_file files[RIA_SERVICE_FILES];
    size_t file_count;
    struct candidate *candidates;
    size_t count;
    struct ria_buf published;
};

static void release_work(struct work *work)
{
    for (size_t i = 0; i < work->file_count; i++) {
        ria_service_file_release(&work->files[i]);
    }
    free(work->candidates);
    ria_buf_release(&work->published);
}

static void due_in(struct work *work, int64_t seconds)
{
    int64_t due = work->now + (seconds < 1 ? 1 : seconds);
    if (due < work->round->due) {
        work->round->due = due;
    }
}

/* -- collecting ----------------------------------------------------------------------------- */

static void read_file(struct work *work, const char *path, bool is_required)
{
    struct ria_error err;
    enum ria_outcome outcome =
        ria_service_read(path, work->agent->world, &work->files[work->file_count], &err);
    work->file_count++;
    if (outcome == RIA_ABSENT && is_required) {
        ria_report_state(
            work->agent->report,
            "PGSERVICEFILE names %s, which does not exist; mend or unset it",
            path);
    } else if (outcome == RIA_FAILED) {
        ria_report_state(work->agent->report, "%s", err.text);
    }
    if (outcome == RIA_FAILED || (outcome == RIA_ABSENT && is_required)) {
        work->round->is_broken = true;
        due_in(work, RETRY_SECONDS);
    }
}

static const struct ria_service *find_service(const struct ria_service_file *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->services[i].name, name) == 0) {
            return &file->services[i];
        }
    }
    return NULL;
}

/* libpq takes the first group of a name, over both files. */
static const struct ria_service *find_first(
    const struct work *work, const char *name, const struct ria_service_file **file)
{
    const struct ria_service *found = NULL;
    for (size_t i = 0; found == NULL && i < work->file_count; i++) {
        *file = &work->files[i];
        found = find_service(*file, name);
    }
    return found;
}

static bool is_reached(struct work *work, const struct ria_entry *entry)
{
    const struct ria_service_file *file = NULL;
    const struct ria_service *first = find_first(work, entry->service->name, &file);
    if (first == NULL || first == entry->service) {
        return true;
    }
    ria_report_state(
        work->agent->report,
        "%s:%u: [%s] is never read: libpq takes the first one, in %s:%u; rename one of them",
        entry->file->path,
        entry->service->line,
        entry->service->name,
        file->path,
        first->line);
    return false;
}

static void take_entry(struct work *work, const struct ria_entry *entry)
{
    struct ria_error err;
    struct candidate found = {.entry = *entry};
    struct ria_report *report = work->agent->report;
    enum ria_outcome outcome =
        ria_directory_holds(work->agent->directory, entry->passfile, &found.name, &err);
    if (outcome == RIA_ABSENT || !is_reached(work, entry)) {
        return;
    }
    work->round->entries++;
    if (outcome == RIA_FAILED) {
        const struct ria_service_setting *setting =
            ria_service_setting(entry->file, entry->service, "passfile");
        ria_report_state(
            report,
            "%s:%u: [%s] %s",
            entry->file->path,
            setting->line,
            entry->service->name,
            err.text);
        return;
    }
    found.is_good = ria_entry_check(entry, &err);
    if (!found.is_good) {
        ria_report_state(report, "%s", err.text);
    }
    work->candidates[work->count++] = found;
}

static void take_entries(struct work *work, const struct ria_service_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        struct ria_entry entry;
        if (ria_entry_take(file, &file->services[i], &entry)) {
            take_entry(work, &entry);
        }
    }
}

static bool collect(struct work *work)
{
    struct ria_service_paths *paths = calloc(1, sizeof(*paths));
    if (paths == NULL) {
        return false;
    }
    ria_service_find(work->agent->world, work->agent->sysconfdir, paths);
    size_t most = 0;
    for (size_t i = 0; i < paths->count; i++) {
        read_file(work, paths->path[i], i == 0 && paths->is_first_required);
        most += work->files[i].count;
    }
    free(paths);
    work->candidates = calloc(most + 1, sizeof(*work->candidates));
    if (work->candidates == NULL) {
        return false;
    }
    for (size_t i = 0; i < work->file_count; i++) {
        take_entries(work, &work->files[i]);
    }
    return true;
}

/* -- checking ------------------------------------------------------------------------------- */

/* By passfile, then in the order in which libpq reads. */
static int compare(const void *a, const void *b)
{
    const struct candidate *left = a;
    const struct candidate *right = b;
    int order = strcmp(left->name, right->name);
    if (order == 0 && left->entry.file == right->entry.file) {
        order = left->entry.service->line < right->entry.service->line ? -1 : 1;
    } else if (order == 0) {
        order = left->entry.file < right->entry.file ? -1 : 1;
    }
    return order;
}

/* The number of candidates from `first` on that have the same passfile. */
static size_t group_size(const struct work *work, size_t first)
{
    size_t size = 1;
    while (first + size < work->count &&
           strcmp(work->candidates[first].name, work->candidates[first + size].name) == 0) {
        size++;
    }
    return size;
}

static void check_pair(struct work *work, struct candidate *later, struct candidate *earlier)
{
    struct ria_error err;
    if (!ria_entry_may_share(&later->entry, &earlier->entry, &err)) {
        ria_report_state(work->agent->report, "%s", err.text);
        later->is_good = false;
        earlier->is_good = false;
    }
}

static void check_sharing(struct work *work, struct candidate *group, size_t size)
{
    for (size_t i = 1; i < size; i++) {
        for (size_t j = 0; j < i; j++) {
            check_pair(work, &group[i], &group[j]);
        }
    }
}

/* -- minting -------------------------------------------------------------------------------- */

static bool add_host(struct work *work, const struct candidate *from, size_t i, struct ria_buf *out)
{
    const struct ria_entry *entry = &from->entry;
    const struct ria_world *world = work->agent->world;
    struct ria_entry_host host;
    if (!ria_entry_host(entry, i, &host)) {
        return false;
    }
    struct ria_login login = {
        .host = host.host,
        .port = host.number,
        .user = entry->user,
        .channel = RIA_CHANNEL_VERIFIED, /* the entry says sslmode=verify-full */
    };
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    struct ria_error err;
    struct ria_deadline deadline = ria_deadline_in(world, RIA_LOGIN_BUDGET_MS);
    if (ria_token_for(&login, deadline, world, &token, &err) != RIA_FOUND) {
        ria_report_state(
            work->agent->report,
            "%s:%u: [%s] no token for %s at %s:%s: %s",
            entry->file->path,
            entry->service->line,
            entry->service->name,
            entry->user,
            host.host,
            host.port,
            err.text);
        return false;
    }
    struct ria_passfile_line line = {host.host, host.port, entry->user, token.text.data};
    ria_passfile_add(out, &line);
    due_in(work, (token.expires - work->now) / RENEW_PART);
    return true;
}

/* Adds the lines of one entry. A host that fails does not keep the others from their tokens. */
static void add_entry(struct work *work, const struct candidate *from, struct ria_buf *out)
{
    size_t count = ria_entry_host_count(&from->entry);
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        done += add_host(work, from, i, out) ? 1 : 0;
    }
    if (done == count) {
        work->round->served++;
    } else {
        due_in(work, RETRY_SECONDS);
    }
}

static void publish(struct work *work, const char *name, const struct ria_buf *text)
{
    struct ria_error err;
    if (text->failed) {
        (void)ria_fail(&err, RIA_E_SYSTEM, "%s: the passfile is too long, or no memory", name);
    } else if (ria_directory_publish(work->agent->directory, name, text, &err)) {
        ria_lines_add(&work->published, name);
        return;
    }
    ria_directory_remove(work->agent->directory, name);
    ria_report_state(work->agent->report, "%s", err.text);
    work->round->is_broken = true;
    due_in(work, RETRY_SECONDS);
}

static void serve_group(struct work *work, struct candidate *group, size_t size)
{
    check_sharing(work, group, size);
    RIA_AUTO(buf) text = {.max = PASSFILE_MAX};
    size_t good = 0;
    for (size_t i = 0; i < size; i++) {
        if (group[i].is_good) {
            add_entry(work, &group[i], &text);
            good++;
        }
    }
    if (good > 0) {
        publish(work, group[0].name, &text);
    } else {
        ria_directory_remove(work->agent->directory, group[0].name);
    }
}

/* -- a round -------------------------------------------------------------------------------- */

/* Removes the files of *names that *kept does not have. */
static void remove_all_but(
    const struct ria_directory *directory, const struct ria_buf *names, const struct ria_buf *kept)
{
    char *at = names->data;
    while (at != NULL && *at != '\0') {
        char *end = strchr(at, '\n');
        *end = '\0';
        if (kept == NULL || !ria_lines_has(kept, at)) {
            ria_directory_remove(directory, at);
        }
        *end = '\n';
        at = end + 1;
    }
}

static void say_result(struct work *work)
{
    const struct ria_round *round = work->round;
    const char *directory = work->agent->directory->path;
    if (round->entries == 0) {
        ria_report_state(
            work->agent->report,
            "no service has its passfile here; add a line like this to one in pg_service.conf: "
            "passfile=%s/NAME",
            directory);
        return;
    }
    ria_report_state(
        work->agent->report,
        "%zu of %zu services have their tokens in %s",
        round->served,
        round->entries,
        directory);
}

void ria_round_run(struct ria_agent *agent, struct ria_round *out)
{
    int64_t now = agent->world->now(agent->world->self);
    *out = (struct ria_round){.due = now + ROUND_SECONDS};
    __attribute__((cleanup(release_work))) struct work work = {
        .agent = agent,
        .round = out,
        .now = now,
        .published = {.max = RIA_AGENT_PUBLISHED_MAX},
    };
    if (!collect(&work)) {
        ria_report_state(agent->report, "out of memory while reading service files");
        due_in(&work, RETRY_SECONDS);
        return;
    }
    qsort(work.candidates, work.count, sizeof(*work.candidates), compare);
    for (size_t first = 0; first < work.count;) {
        size_t size = group_size(&work, first);
        serve_group(&work, &work.candidates[first], size);
        first += size;
    }
    remove_all_but(agent->directory, &agent->published, &work.published);
    ria_buf_move(&agent->published, &work.published);
    say_result(&work);
    ria_report_next(agent->report);
}

uint64_t ria_round_stamp(const struct ria_agent *agent)
{
    struct ria_service_paths *paths = calloc(1, sizeof(*paths));
    if (paths == NULL) {
        return 0;
    }
    ria_service_find(agent->world, agent->sysconfdir, paths);
    uint64_t stamp = 0;
    for (size_t i = 0; i < paths->count; i++) {
        struct stat status = {0};
        (void)stat(paths->path[i], &status);
        const uint64_t facts[] = {
            (uint64_t)status.st_ino,
            (uint64_t)status.st_size,
            (uint64_t)status.st_mtim.tv_sec,
            (uint64_t)status.st_mtim.tv_nsec,
        };
        for (size_t j = 0; j < sizeof(facts) / sizeof(facts[0]); j++) {
            stamp = (stamp * 31) + facts[j];
        }
    }
    free(paths);
    return stamp;
}

void ria_round_undo(struct ria_agent *agent)
{
    remove_all_but(agent->directory, &agent->published, NULL);
    ria_buf_clear(&agent->published);
}
