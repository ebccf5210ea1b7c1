/* SPDX-License-Identifier: MIT
 *
 * Reads the service files. The index (service/index.h) decides which entries libpq reads, and which
 * of these entries may have tokens. For each entry that may have tokens, this file makes a line for
 * each host. Logs the rejected entries, up to RIA_REFUSALS_MAX, each with its file and line. */
#include "agent/entries.h"

#include "agent/config_snapshot.h"
#include "agent/literal.h"
#include "service/gssencmode.h"
#include "service/index.h"

#include <stdlib.h>
#include <string.h>

/* The state of one ria_entries_load(). */
struct work {
    const struct ria_world *world;
    const struct ria_directory *directory;
    struct ria_passfile_directory place; /* the device and inode of the directory */
    struct ria_log *log;
    struct ria_entries *entries;
    struct ria_service_file files[RIA_SERVICE_FILES];
    size_t file_count;
    struct ria_service_index index;
    const struct ria_service *refused; /* the last refused service */
};

static void release_work(struct work *work)
{
    for (size_t i = 0; i < work->file_count; i++) {
        ria_service_file_release(&work->files[i]);
    }
    ria_service_index_release(&work->index);
}

/* -- reading -------------------------------------------------------------------------------- */

/* Logs why a service file is invalid, and stores the reason for --status. */
__attribute__((format(printf, 2, 3))) static void entries_log_file(
    struct work *work, const char *format, ...)
{
    char *text = work->entries->refusals.invalid_file;
    va_list args;
    va_start(args, format);
    (void)ria_text_format_args(text, RIA_ERROR_TEXT_MAX, format, args);
    va_end(args);
    ria_printable(text);
    ria_log_state(work->log, RIA_LOG_WARNING, "%s", text);
}

static void entries_read_file(struct work *work, const char *path, bool is_required)
{
    struct ria_error err;
    struct ria_service_file *file = &work->files[work->file_count++];
    enum ria_outcome outcome = ria_service_read(path, is_required, work->world, file, &err);
    if (outcome == RIA_ABSENT && is_required) {
        entries_log_file(
            work, "PGSERVICEFILE names %s, which does not exist; correct or unset it", path);
    } else if (outcome == RIA_FAILED) {
        entries_log_file(work, "%s", err.text);
    } else if (file->odd_line != 0) {
        entries_log_file(work, RIA_SERVICE_ODD_LINE, path, file->odd_line);
    }
    if (outcome == RIA_FAILED || (outcome == RIA_ABSENT && is_required) || file->odd_line != 0) {
        work->entries->is_broken = true;
    }
}

static bool entries_read_files(struct work *work, const char *sysconfdir)
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
        work->entries->stamps[i] = ria_config_snapshot_stamp(paths->path[i]);
        entries_read_file(work, paths->path[i], i == 0 && paths->is_first_required);
    }
    free(paths);
    return ok;
}

/* -- errors --------------------------------------------------------------------------------- */

/* Returns true if the service's passfile is in the agent's directory. */
static bool is_in_directory(const struct work *work, const struct ria_indexed_service *service)
{
    return service->entry.passfile != NULL &&
           ria_passfile_same_directory(&service->passfile.directory, &work->place);
}

/* Logs why a service is refused, and stores the reason for --status. `line` is the line of the
 * service file. Logs no more than RIA_REFUSALS_MAX services, because there may be ten thousand
 * refused services. */
static void entries_refuse(
    struct work *work,
    const struct ria_indexed_service *service,
    unsigned line,
    const char *message)
{
    const struct ria_refused what = {service->service->name, service->file->path, line};
    work->refused = service->service;
    ria_refusals_add(&work->entries->refusals, &what, message);
    if (work->entries->refusals.count <= RIA_REFUSALS_MAX) {
        ria_log_state(
            work->log, RIA_LOG_WARNING, "%s:%u: [%s] %s", what.path, line, what.name, message);
    }
}

/* Does the same as entries_refuse(), for a message of the form "FILE:LINE: [NAME] MESSAGE". The
 * line and the name may be missing in the message. */
static void entries_refuse_by_error(
    struct work *work, const struct ria_indexed_service *service, const struct ria_error *err)
{
    const char *message = err->text;
    unsigned line = service->service->line;
    size_t len = strlen(service->file->path);
    if (strncmp(message, service->file->path, len) == 0 && message[len] == ':') {
        char *end;
        unsigned long number = strtoul(message + len + 1, &end, 10);
        bool has_line = strncmp(end, ": ", 2) == 0;
        line = has_line ? (unsigned)number : line;
        message = has_line ? end + 2 : message;
    }
    const char *name_end = *message == '[' ? strstr(message, "] ") : NULL;
    entries_refuse(work, service, line, name_end == NULL ? message : name_end + 2);
}

static void refuse_never_read(struct work *work, const struct ria_indexed_service *service)
{
    char message[RIA_ERROR_TEXT_MAX];
    (void)ria_text_format(
        message,
        sizeof(message),
        "is never read: libpq uses the first service of this name, in %s:%u; rename one of the two",
        service->first->file->path,
        service->first->service->line);
    entries_refuse(work, service, service->service->line, message);
}

/* Logs the settings of a service that libpq takes literally, although the user meant something
 * else. A passfile= of this kind does not lead to the agent's directory, so without this message
 * the agent would silently ignore the entry. Any other setting of this kind makes a connection
 * fail, and libpq's message does not name the line. Such a setting is logged only if `is_served` is
 * true, which means that the agent creates a file for the service. */
static void log_literal(struct work *work, const struct ria_indexed_service *here, bool is_served)
{
    const struct ria_service_file *file = here->file;
    const struct ria_service *service = here->service;
    for (size_t i = service->first; i < service->first + service->count; i++) {
        const struct ria_service_setting *setting = &file->settings[i];
        char what[256];
        bool is_relevant = is_served || ria_literal_is_passfile(setting->key);
        if (!is_relevant || !ria_literal_find(setting, what, sizeof(what))) {
            continue;
        }
        if (!is_served && work->refused != service) {
            entries_refuse(work, here, setting->line, what);
        } else {
            ria_log_state(
                work->log,
                RIA_LOG_WARNING,
                "%s:%u: [%s] %s",
                file->path,
                setting->line,
                service->name,
                what);
        }
    }
}

/* Logs how many refused services were not logged. */
static void log_more_refused(const struct work *work)
{
    size_t count = work->entries->refusals.count;
    if (count > RIA_REFUSALS_MAX) {
        ria_log_state(
            work->log,
            RIA_LOG_WARNING,
            "%zu more services are refused; run: rds-iam lint",
            count - RIA_REFUSALS_MAX);
    }
}

/* Checks a service and logs its errors. Returns false if the agent creates no file for it: it has
 * no passfile in the agent's directory, the passfile's name is invalid, or libpq never reads the
 * service. */
static bool entries_check_service(struct work *work, const struct ria_indexed_service *service)
{
    struct ria_error err;
    if (!is_in_directory(work, service)) {
        return false;
    }
    if (service->first != service) {
        refuse_never_read(work, service);
        return false;
    }
    work->entries->entry_count++;
    if (!ria_directory_may_hold(work->directory, service->passfile.name, &err)) {
        const struct ria_service_setting *setting =
            ria_service_setting(service->file, service->service, "passfile");
        entries_refuse(work, service, setting->line, err.text);
        return false;
    }
    if (!ria_service_index_check(service, &err)) {
        entries_refuse_by_error(work, service, &err);
    }
    return true;
}

/* -- the lines ------------------------------------------------------------------------------ */

/* Copies the four strings into one allocation. */
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

/* Returns a hash of the line's contents. After an edit of the service files, an unchanged line has
 * the same hash. */
static uint64_t entries_line_key(const struct ria_line *line)
{
    const char *const texts[] = {line->service, line->host, line->port, line->user};
    uint64_t hash = RIA_HASH_START;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        hash = ria_hash(hash, texts[i], strlen(texts[i]) + 1);
    }
    return hash;
}

static bool entries_add_lines(struct work *work, const struct ria_entry *entry, size_t number)
{
    struct ria_entries *entries = work->entries;
    for (size_t i = 0; i < ria_entry_host_count(entry); i++) {
        struct ria_entry_host host;
        struct ria_line *line = &entries->lines[entries->line_count];
        if (!ria_entry_host(entry, i, &host)) {
            continue;
        }
        *line = (struct ria_line){
            .path = entries->paths[entry->file - work->files],
            .place = entry->service->line,
            .number = host.number,
            .entry = number,
        };
        const char *const texts[] = {entry->service->name, host.host, host.port, entry->user};
        if (!copy_texts(line, texts)) {
            return false;
        }
        line->key = entries_line_key(line);
        entries->line_count++;
        entries->files[entries->file_count - 1].count++;
    }
    return true;
}

/* Adds a passfile, unless the passfile that was added last has the same name. Files are added in
 * the order of their names. */
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

/* Returns true if the agent creates a file for the service: its passfile is in the agent's
 * directory and has a valid name. */
static bool has_file(const struct work *work, const struct ria_indexed_service *service)
{
    struct ria_error ignored;
    return is_in_directory(work, service) &&
           ria_directory_may_hold(work->directory, service->passfile.name, &ignored);
}

static bool is_served(const struct ria_indexed_service *service)
{
    return service->is_valid && service->opposite == NULL;
}

/* Fills the files and lines. A passfile whose entries were all rejected is listed without lines. */
static bool build(struct work *work)
{
    struct ria_entries *entries = work->entries;
    const struct ria_service_index *index = &work->index;
    size_t hosts = 0;
    for (size_t i = 0; i < index->entry_count; i++) {
        hosts += ria_entry_host_count(&index->by_passfile[i]->entry);
    }
    entries->lines = calloc(hosts + 1, sizeof(*entries->lines));
    entries->files = calloc(index->entry_count + 1, sizeof(*entries->files));
    if (entries->lines == NULL || entries->files == NULL) {
        return false;
    }
    for (size_t i = 0; i < index->entry_count; i++) {
        const struct ria_indexed_service *service = index->by_passfile[i];
        if (has_file(work, service) &&
            (!add_file(entries, service->passfile.name) ||
             (is_served(service) && !entries_add_lines(work, &service->entry, i)))) {
            return false;
        }
    }
    return true;
}

/* Logs only one warning for all services without gssencmode=, because there may be ten thousand
 * such services. */
static void warn_of_gss(struct work *work)
{
    const struct ria_entry *first = NULL;
    size_t count = 0;
    size_t all = 0;
    for (size_t i = 0; i < work->index.entry_count; i++) {
        const struct ria_indexed_service *service = work->index.by_passfile[i];
        bool is_one = has_file(work, service);
        all += is_one ? 1 : 0;
        if (is_one && is_served(service) && ria_entry_leaves_gss(&service->entry)) {
            first = first == NULL ? &service->entry : first;
            count++;
        }
    }
    if (first != NULL) {
        ria_log_state(
            work->log,
            RIA_LOG_WARNING,
            "%s:%u: [%s] has no gssencmode= (%zu of %zu services have none): " RIA_GSSENCMODE_DANGER
            "; " RIA_GSSENCMODE_REMEDY,
            first->file->path,
            first->service->line,
            first->service->name,
            count,
            all);
    }
}

static bool entries_load(struct work *work, const char *sysconfdir)
{
    if (!entries_read_files(work, sysconfdir) ||
        !ria_service_index_make(work->files, work->file_count, &work->place, &work->index)) {
        return false;
    }
    for (size_t i = 0; i < work->index.count; i++) {
        const struct ria_indexed_service *service = &work->index.services[i];
        log_literal(work, service, entries_check_service(work, service));
        if (work->refused != service->service && !is_in_directory(work, service)) {
            ria_refusals_add_other(&work->entries->refusals, service->service->name);
        }
    }
    log_more_refused(work);
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
        .place = ria_directory_place(directory),
        .log = log,
        .entries = out,
    };
    bool ok = entries_load(&work, sysconfdir);
    release_work(&work);
    return ok;
}

/* Returns how many entries of a passfile have all their tokens. Lines of one entry are adjacent. */
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

void ria_entries_describe(
    const struct ria_entries *entries,
    const struct ria_directory *directory,
    char out[RIA_ERROR_TEXT_MAX])
{
    if (entries->entry_count == 0) {
        (void)ria_text_format(out, RIA_ERROR_TEXT_MAX, RIA_MESSAGE_NO_PASSFILE, directory->path);
    } else {
        (void)ria_text_format(
            out,
            RIA_ERROR_TEXT_MAX,
            "%zu of %zu services have their tokens in %s",
            ria_entries_count_served(entries),
            entries->entry_count,
            directory->path);
    }
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
    ria_refusals_release(&entries->refusals);
    free(entries->lines);
    free(entries->files);
    *entries = (struct ria_entries){0};
}
