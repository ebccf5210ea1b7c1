/* SPDX-License-Identifier: MIT
 *
 * Finds, reads and parses service files. The parser splits the text into lines, groups and settings
 * in place. Rejects a file that another user can write, and a file that contains a NUL byte. */
#include "service/service_file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The setting with which a user can select a copy of a service file. It is part of the message that
 * refuses the original. */
static const char named_by[] = "PGSERVICEFILE=COPY";

static void add_path(struct ria_service_paths *paths, const char *directory, const char *name)
{
    char *path = paths->path[paths->count];
    int len = snprintf(path, PATH_MAX, "%s%s%s", directory, *name == '\0' ? "" : "/", name);
    if (len > 0 && len < PATH_MAX) {
        paths->count++;
    }
}

void ria_service_find(
    const struct ria_world *world, const char *sysconfdir, struct ria_service_paths *paths)
{
    *paths = (struct ria_service_paths){0};
    /* An empty PGSERVICEFILE counts as unset here, because a user who empties the variable means to
     * unset it. libpq, however, takes the empty value as the name of a file, which does not exist.
     */
    const char *named = ria_world_env(world, "PGSERVICEFILE");
    const char *home = named != NULL ? NULL : ria_world_home(world);
    if (named != NULL) {
        add_path(paths, named, "");
        paths->is_first_required = true;
    } else if (home != NULL) {
        add_path(paths, home, ".pg_service.conf");
    }
    const char *directory = ria_world_env(world, "PGSYSCONFDIR");
    add_path(paths, directory != NULL ? directory : sysconfdir, "pg_service.conf");
}

/* Makes room for one more element. Returns false, with the array unchanged, if there is not enough
 * memory. */
static bool service_file_grow(void **array, size_t count, size_t size)
{
    enum {
        STEP = 32
    };
    if (count % STEP != 0) {
        return true;
    }
    void *larger = reallocarray(*array, count + STEP, size);
    if (larger == NULL) {
        return false;
    }
    *array = larger;
    return true;
}

static bool service_file_add_service(struct ria_service_file *file, const char *name, unsigned line)
{
    void *array = file->services;
    if (!service_file_grow(&array, file->count, sizeof(*file->services))) {
        return false;
    }
    file->services = array;
    file->services[file->count++] =
        (struct ria_service){.name = name, .line = line, .first = file->setting_count};
    return true;
}

static bool service_file_add_setting(struct ria_service_file *file, char *text, unsigned line)
{
    char *value = strchr(text, '=');
    if ((file->count == 0 || value == NULL) && file->odd_line == 0) {
        file->odd_line = line;
    }
    if (file->count == 0) {
        return true; /* before the first group: libpq ignores the line */
    }
    void *array = file->settings;
    if (!service_file_grow(&array, file->setting_count, sizeof(*file->settings))) {
        return false;
    }
    file->settings = array;
    if (value != NULL) {
        *value++ = '\0';
    }
    file->settings[file->setting_count++] =
        (struct ria_service_setting){.key = text, .value = value, .line = line};
    file->services[file->count - 1].count++;
    return true;
}

/* Parses a line without its newline. libpq ignores text after the ']' of a group. A '[' without a
 * ']' ends the group before it and starts a group that has no name, which no client can select. */
static bool service_file_parse_line(struct ria_service_file *file, char *text, unsigned line)
{
    size_t len = strlen(text);
    while (len > 0 && ria_ascii_is_space(text[len - 1])) {
        text[--len] = '\0';
    }
    while (ria_ascii_is_space(*text)) {
        text++;
    }
    if (*text == '\0' || *text == '#') {
        return true;
    }
    if (*text != '[') {
        return service_file_add_setting(file, text, line);
    }
    char *end = strchr(text, ']');
    if (end == NULL) {
        file->odd_line = file->odd_line == 0 ? line : file->odd_line;
        return service_file_add_service(file, "", line);
    }
    *end = '\0';
    return service_file_add_service(file, text + 1, line);
}

/* libpq stops at an overlong line, so it can read neither the group that contains the line nor any
 * later group. If the line is itself a [name], libpq also fails for the group before it, whose end
 * it has not found. */
static void mark_unreadable(struct ria_service_file *file, unsigned long_line)
{
    for (size_t i = 0; i < file->count; i++) {
        bool ends_before = i + 1 < file->count && file->services[i + 1].line < long_line;
        if (!ends_before) {
            file->services[i].long_line = long_line;
        }
    }
}

static bool parse_lines(struct ria_service_file *file)
{
    unsigned line = 0;
    unsigned long_line = 0;
    char *next = file->text.data;
    while (next != NULL && *next != '\0') {
        char *text = next;
        next = strchr(text, '\n');
        size_t len = next == NULL ? strlen(text) : (size_t)(next - text) + 1;
        if (next != NULL) {
            *next++ = '\0';
        }
        line++;
        if (len > RIA_SERVICE_LINE_MAX && long_line == 0) {
            long_line = line;
        }
        if (!service_file_parse_line(file, text, line)) {
            return false;
        }
    }
    if (long_line != 0) {
        mark_unreadable(file, long_line);
    }
    return true;
}

/* Returns the number of the line with the first NUL byte. */
static unsigned line_of_nul(const struct ria_buf *text)
{
    unsigned line = 1;
    for (const char *at = text->data; *at != '\0'; at++) {
        line += *at == '\n' ? 1 : 0;
    }
    return line;
}

enum ria_outcome ria_service_read(
    const char *path,
    bool is_required,
    const struct ria_world *world,
    struct ria_service_file *file,
    struct ria_error *err)
{
    *file = (struct ria_service_file){.text = {.max = RIA_SERVICE_TEXT_MAX}};
    (void)snprintf(file->path, sizeof(file->path), "%s", path);
    struct ria_file facts = {0};
    enum ria_outcome outcome = is_required
                                   ? ria_world_read(world, path, &file->text, &facts, err)
                                   : ria_world_read_default(world, path, &file->text, &facts, err);
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    /* The file determines the server that gets the token, so no other user may write the file. */
    const struct ria_trusted what = {path, named_by};
    if (!ria_trust_check(world, &facts, &what, err)) {
        return RIA_FAILED;
    }
    if (file->text.data != NULL && strlen(file->text.data) != file->text.len) {
        return ria_failed(
            err,
            RIA_E_CONFIG,
            "%s:%u: contains a NUL byte; write it as plain text",
            path,
            line_of_nul(&file->text));
    }
    if (!parse_lines(file)) {
        return ria_failed(err, RIA_E_SYSTEM, "%s: out of memory while reading it", path);
    }
    return RIA_FOUND;
}

/* Opens the file through its descriptor and not by its path, because another file may be at this
 * path by now. */
bool ria_service_check(
    const char *path, int fd, const struct ria_world *world, struct ria_error *err)
{
    RIA_AUTO(buf) text = {.max = RIA_SERVICE_TEXT_MAX};
    struct ria_file facts = {0};
    char opened[32];
    (void)snprintf(opened, sizeof(opened), "/proc/self/fd/%d", fd);
    if (fd < 0 || world->read_file(world->self, opened, &text, &facts, err) != RIA_FOUND) {
        return ria_fail(
            err,
            RIA_E_CONFIG,
            "%s: libpq reads the service from it, but rds-iam cannot check who can write it; name "
            "a regular file of your own (PGSERVICEFILE)",
            path);
    }
    const struct ria_trusted what = {path, named_by};
    return ria_trust_check(world, &facts, &what, err);
}

const struct ria_service_setting *ria_service_setting(
    const struct ria_service_file *file, const struct ria_service *service, const char *key)
{
    for (size_t i = service->first; i < service->first + service->count; i++) {
        if (file->settings[i].value != NULL && strcmp(file->settings[i].key, key) == 0) {
            return &file->settings[i];
        }
    }
    return NULL;
}

void ria_service_file_release(struct ria_service_file *file)
{
    free(file->services);
    free(file->settings);
    ria_buf_release(&file->text);
    *file = (struct ria_service_file){0};
}
