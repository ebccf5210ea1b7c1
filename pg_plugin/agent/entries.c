/* SPDX-License-Identifier: MIT
 *
 * Collect, check, put in order. */
#include "agent/entries.h"

#include "service/entry.h"
#include "service/index.h"

#include <stdlib.h>
#include <string.h>

/* An entry whose passfile is ours. */
struct candidate {
    struct ria_entry entry;
    char *name; /* of its passfile in the directory; owned */
    bool is_good;
};

struct work {
    const struct ria_world *world;
    const struct ria_directory *directory;
    struct ria_log *log;
    struct ria_entries *entries;
    struct ria_service_file files[RIA_SERVICE_FILES];
    size_t file_count;
    struct ria_service_index index;
    struct candidate *candidates;
    size_t count;
};

static void release_work(struct work *work)
{
    for (size_t i = 0; i < work->file_count; i++) {
        ria_service_file_release(&work->files[i]);
    }
    for (size_t i = 0; i < work->count; i++) {
        free(work->candidates[i].name);
    }
    ria_service_index_release(&work->index);
    free(work->candidates);
}

/* -- reading -------------------------------------------------------------------------------- */

static void read_file(struct work *work, const char *path, bool is_required)
{
    struct ria_error err;
    struct ria_service_file *file = &work->files[work->file_count++];
    enum ria_outcome outcome = ria_service_read(path, is_required, work->world, file, &err);
    if (outcome == RIA_ABSENT && is_required) {
        ria_log_state(
            work->log, "PGSERVICEFILE names %s, which does not exist; mend or unset it", path);
    } else if (outcome == RIA_FAILED) {
        ria_log_state(work->log, "%s", err.text);
    } else if (file->odd_line != 0) {
        ria_log_state(
            work->log,
            "%s:%u: is neither a comment nor a [group] nor a setting of one; remove the line",
            path,
            file->odd_line);
    }
    if (outcome == RIA_FAILED || (outcome == RIA_ABSENT && is_required) || file->odd_line != 0) {
        work->entries->is_broken = true;
    }
}

static bool read_files(struct work *work, const char *sysconfdir)
{
    struct ria_service_paths *paths = calloc(1, sizeof(*paths));
    if (paths == NULL) {
        return false;
    }
    ria_service_find(work->world, sysconfdir, paths);
    bool ok = true;
    for (size_t i = 0; ok && i < paths->count; i++) {
        work->entries->paths[i] = strdup(paths->path[i]);
        ok = work->entries->paths[i] != NULL;
        work->entries->path_count += ok ? 1 : 0;
        read_file(work, paths->path[i], i == 0 && paths->is_first_required);
    }
    free(paths);
    return ok;
}

static bool make_index(struct work *work)
{
    if (!ria_service_index_make(work->files, work->file_count, &work->index)) {
        return false;
    }
    work->candidates = calloc(work->index.count + 1, sizeof(*work->candidates));
    return work->candidates != NULL;
}

/* -- collecting ----------------------------------------------------------------------------- */

static void say_refused(
    const struct work *work, const struct ria_entry *entry, const struct ria_error *err)
{
    const struct ria_service_setting *setting =
        ria_service_setting(entry->file, entry->service, "passfile");
    ria_log_state(
        work->log,
        "%s:%u: [%s] %s",
        entry->file->path,
        setting->line,
        entry->service->name,
        err->text);
}

/* False without memory. */
static bool take_entry(
    struct work *work, const struct ria_entry *entry, const struct ria_service_place *first)
{
    struct ria_error err;
    char name[NAME_MAX + 1];
    enum ria_outcome outcome = ria_directory_holds(work->directory, entry->passfile, name, &err);
    if (outcome == RIA_ABSENT) {
        return true;
    }
    if (first->service != entry->service) {
        ria_log_state(
            work->log,
            "%s:%u: [%s] is never read: libpq takes the first one, in %s:%u; rename one of them",
            entry->file->path,
            entry->service->line,
            entry->service->name,
            first->file->path,
            first->service->line);
        return true;
    }
    work->entries->entry_count++;
    if (outcome == RIA_FAILED) {
        say_refused(work, entry, &err);
        return true;
    }
    struct candidate *found = &work->candidates[work->count];
    *found = (struct candidate){.entry = *entry, .name = strdup(name)};
    if (found->name == NULL) {
        return false;
    }
    work->count++;
    found->is_good = ria_entry_check(entry, &err);
    if (!found->is_good) {
        ria_log_state(work->log, "%s", err.text);
    }
    return true;
}

/* A passfile= that libpq takes literally leads to no file of ours, so the entry would be ignored
 * without a word. */
static void say_near_miss(const struct work *work, const struct ria_service_place *here)
{
    const struct ria_service_file *file = here->file;
    const struct ria_service *service = here->service;
    for (size_t i = service->first; i < service->first + service->count; i++) {
        const struct ria_service_setting *setting = &file->settings[i];
        const char *fault = ria_service_setting_fault(setting);
        size_t len = strcspn(setting->key, " \t");
        if (fault != NULL && len == strlen("passfile") &&
            strncmp(setting->key, "passfile", len) == 0) {
            ria_log_state(
                work->log, "%s:%u: [%s] %s", file->path, setting->line, service->name, fault);
        }
    }
}

static bool take_entries(struct work *work)
{
    for (size_t i = 0; i < work->index.count; i++) {
        const struct ria_service_place *here = &work->index.places[i];
        struct ria_entry entry;
        say_near_miss(work, here);
        if (ria_entry_take(here->file, here->service, &entry) &&
            !take_entry(work, &entry, here->first)) {
            return false;
        }
    }
    return true;
}

/* -- checking ------------------------------------------------------------------------------- */

static int compare_places(const struct ria_entry *left, const struct ria_entry *right)
{
    if (left->file != right->file) {
        return left->file < right->file ? -1 : 1;
    }
    return left->service->line < right->service->line ? -1
                                                      : left->service->line > right->service->line;
}

/* By passfile, then in the order in which libpq reads. */
static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *left = a;
    const struct candidate *right = b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : compare_places(&left->entry, &right->entry);
}

/* The candidates of one passfile. One that is not fit spoils it for all. */
static void check_run(struct work *work, struct candidate *run, size_t size)
{
    const struct candidate *unfit = NULL;
    for (size_t i = 0; i < size && unfit == NULL; i++) {
        unfit = run[i].is_good ? NULL : &run[i];
    }
    for (size_t i = 0; i < size && unfit != NULL; i++) {
        struct ria_error err;
        if (!ria_entry_may_share(&run[i].entry, &unfit->entry, &err)) {
            ria_log_state(work->log, "%s", err.text);
            run[i].is_good = false;
        }
    }
}

static void check_sharing(struct work *work)
{
    qsort(work->candidates, work->count, sizeof(*work->candidates), compare_candidates);
    for (size_t first = 0, end = 0; first < work->count; first = end) {
        const char *name = work->candidates[first].name;
        while (end < work->count && strcmp(work->candidates[end].name, name) == 0) {
            end++;
        }
        check_run(work, &work->candidates[first], end - first);
    }
}

/* -- the lines ------------------------------------------------------------------------------ */

/* Four strings in one piece of memory. */
static bool copy_texts(struct ria_line *line, const char *const texts[4])
{
    const char **places[] = {&line->service, &line->host, &line->port, &line->user};
    size_t size = 0;
    for (size_t i = 0; i < 4; i++) {
        size += strlen(texts[i]) + 1;
    }
    char *at = malloc(size);
    line->texts = at;
    for (size_t i = 0; at != NULL && i < 4; i++) {
        *places[i] = at;
        at = stpcpy(at, texts[i]) + 1;
    }
    return line->texts != NULL;
}

static bool add_lines(struct work *work, size_t index)
{
    const struct ria_entry *entry = &work->candidates[index].entry;
    struct ria_entries *entries = work->entries;
    for (size_t i = 0; entry->user != NULL && i < ria_entry_host_count(entry); i++) {
        struct ria_entry_host host;
        struct ria_line *line = &entries->lines[entries->line_count];
        if (!ria_entry_host(entry, i, &host)) {
            continue;
        }
        *line = (struct ria_line){
            .path = entries->paths[entry->file - work->files],
            .place = entry->service->line,
            .number = host.number,
            .entry = index,
        };
        const char *const texts[] = {entry->service->name, host.host, host.port, entry->user};
        if (!copy_texts(line, texts)) {
            return false;
        }
        entries->line_count++;
        entries->files[entries->file_count - 1].count++;
    }
    return true;
}

static bool add_file(struct ria_entries *entries, const char *name)
{
    const char *last =
        entries->file_count == 0 ? NULL : entries->files[entries->file_count - 1].name;
    if (last != NULL && strcmp(last, name) == 0) {
        return true;
    }
    struct ria_served *file = &entries->files[entries->file_count];
    *file = (struct ria_served){
        .name = strdup(name),
        .first = entries->line_count,
        .fd = -1,
        .text = {.max = RIA_PASSFILE_MAX},
    };
    entries->file_count += file->name == NULL ? 0 : 1;
    return file->name != NULL;
}

/* A passfile of refused entries is listed too, without a line. */
static bool build(struct work *work)
{
    struct ria_entries *entries = work->entries;
    size_t hosts = 0;
    for (size_t i = 0; i < work->count; i++) {
        hosts += ria_entry_host_count(&work->candidates[i].entry);
    }
    entries->lines = calloc(hosts + 1, sizeof(*entries->lines));
    entries->files = calloc(work->count + 1, sizeof(*entries->files));
    if (entries->lines == NULL || entries->files == NULL) {
        return false;
    }
    for (size_t i = 0; i < work->count; i++) {
        if (!add_file(entries, work->candidates[i].name) ||
            (work->candidates[i].is_good && !add_lines(work, i))) {
            return false;
        }
    }
    return true;
}

/* One line for all: there may be ten thousand. */
static void warn_of_gss(struct work *work)
{
    const struct ria_entry *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < work->count; i++) {
        const struct candidate *candidate = &work->candidates[i];
        if (candidate->is_good && ria_entry_leaves_gss(&candidate->entry)) {
            first = first == NULL ? &candidate->entry : first;
            count++;
        }
    }
    if (first != NULL) {
        ria_log_state(
            work->log,
            "%s:%u: [%s] has no gssencmode= (%zu of %zu services have none): with a Kerberos "
            "ticket libpq 12 and later tries GSS encryption before TLS, and the token goes to a "
            "server that showed no certificate; add gssencmode=disable, but not for libpq 10 and "
            "11 and pgx, which refuse it",
            first->file->path,
            first->service->line,
            first->service->name,
            count,
            work->count);
    }
}

static bool load(struct work *work, const char *sysconfdir)
{
    if (!read_files(work, sysconfdir) || !make_index(work) || !take_entries(work)) {
        return false;
    }
    check_sharing(work);
    warn_of_gss(work);
    return build(work);
}

bool ria_entries_load(
    const struct ria_world *world,
    const char *sysconfdir,
    const struct ria_directory *directory,
    struct ria_log *log,
    struct ria_entries *out)
{
    *out = (struct ria_entries){0};
    struct work work = {
        .world = world,
        .directory = directory,
        .log = log,
        .entries = out,
    };
    bool ok = load(&work, sysconfdir);
    release_work(&work);
    return ok;
}

/* Lines of one entry stand together. */
static size_t count_in_file(const struct ria_entries *entries, const struct ria_served *file)
{
    size_t served = 0;
    size_t beyond = file->first + file->count;
    for (size_t first = file->first, end = first; first < beyond; first = end) {
        bool is_served = true;
        for (; end < beyond && entries->lines[end].entry == entries->lines[first].entry; end++) {
            is_served = is_served && entries->lines[end].has_token;
        }
        served += is_served ? 1 : 0;
    }
    return served;
}

size_t ria_entries_count_served(const struct ria_entries *entries)
{
    size_t served = 0;
    for (size_t i = 0; i < entries->file_count; i++) {
        served += entries->files[i].is_missing ? 0 : count_in_file(entries, &entries->files[i]);
    }
    return served;
}

static int compare_name(const void *name, const void *file)
{
    const struct ria_served *served = file;
    return strcmp(name, served->name);
}

struct ria_served *ria_entries_find(const struct ria_entries *entries, const char *name)
{
    return entries->file_count == 0 ? NULL
                                    : bsearch(
                                          name,
                                          entries->files,
                                          entries->file_count,
                                          sizeof(*entries->files),
                                          compare_name);
}

void ria_entries_release(struct ria_entries *entries)
{
    for (size_t i = 0; i < entries->line_count; i++) {
        free(entries->lines[i].texts);
    }
    for (size_t i = 0; i < entries->file_count; i++) {
        free(entries->files[i].name);
        ria_buf_release(&entries->files[i].text);
    }
    for (size_t i = 0; i < entries->path_count; i++) {
        free(entries->paths[i]);
    }
    free(entries->lines);
    free(entries->files);
    *entries = (struct ria_entries){0};
}
