/* SPDX-License-Identifier: MIT
 *
 * Adds a service to the user's pg_service.conf. Reads the file as libpq does, with the parser of
 * the agent. Rejects a service that exists with other settings, and names the line of one
 * difference (compare_service()). Rejects a file that libpq does not read to its end. */
#include "tool/setup_files.h"

#include "tool/user_file.h"

#include "service/service_file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
    DIFFERENCE_SIZE = RIA_SERVICE_LINE_OLD + 32,
};

/* Checks that libpq reads the file to its end. If a line is too long, libpq refuses the entry that
 * contains the line and every later entry. */
static bool check_readable_to_end(const struct ria_user_file *file, struct ria_error *err)
{
    unsigned line = 1;
    size_t len = 0;
    for (size_t i = 0; i < file->text.len; i++) {
        bool is_end = file->text.data[i] == '\n';
        len = is_end ? 0 : len + 1;
        line += is_end ? 1 : 0;
        if (len >= RIA_SERVICE_LINE_MAX) { /* the newline counts, too */
            return ria_fail(
                err,
                RIA_E_CONFIG,
                "%s:%u: this line is longer than %d bytes with its newline, so libpq would reject "
                "an entry after it; shorten the line",
                file->path,
                line,
                RIA_SERVICE_LINE_MAX);
        }
    }
    return true;
}

/* Returns the first service of this name, because libpq reads only the first. */
static const struct ria_service *setup_service_find(
    const struct ria_service_file *services, const char *name)
{
    for (size_t i = 0; i < services->count; i++) {
        if (strcmp(services->services[i].name, name) == 0) {
            return &services->services[i];
        }
    }
    return NULL;
}

static const struct ria_setup_value *setup_service_wanted(
    const struct ria_setup_section *section, const char *key)
{
    const struct ria_setup_value *wanted = section->settings;
    while (wanted->name != NULL && strcmp(wanted->name, key) != 0) {
        wanted++;
    }
    return wanted;
}

/* Compares an existing service with the section: first each wanted setting, in the section's order,
 * and then each further setting of the service. Describes the first difference that it finds, and
 * returns the number of its line. If the service lacks a wanted setting, returns the line of
 * [name]. Returns 0 if the settings are equal. The description does not contain the value of an
 * existing setting, because that value may be a password. */
static unsigned compare_service(
    const struct ria_service_file *services,
    const struct ria_service *service,
    const struct ria_setup_section *section,
    char difference[DIFFERENCE_SIZE])
{
    for (const struct ria_setup_value *wanted = section->settings; wanted->name != NULL; wanted++) {
        const struct ria_service_setting *found =
            ria_service_setting(services, service, wanted->name);
        if (found == NULL || found->value == NULL || strcmp(found->value, wanted->value) != 0) {
            (void)ria_text_format(
                difference, DIFFERENCE_SIZE, "does not have %s=%s", wanted->name, wanted->value);
            return found == NULL ? service->line : found->line;
        }
    }
    for (size_t i = 0; i < service->count; i++) {
        const struct ria_service_setting *other = &services->settings[service->first + i];
        if (setup_service_wanted(section, other->key)->name == NULL) {
            int word = (int)strcspn(other->key, " \t");
            (void)ria_text_format(
                difference, DIFFERENCE_SIZE, "also contains %.*s", word, other->key);
            return other->line;
        }
    }
    return 0;
}

/* Adds the service, unless the file already has it. */
static bool setup_service_add(
    const struct ria_setup_section *section,
    struct ria_user_file *file,
    const struct ria_world *world,
    struct ria_error *err)
{
    RIA_AUTO(service_file) services = {0};
    char difference[DIFFERENCE_SIZE];
    enum ria_outcome outcome = ria_service_read(file->path, false, world, &services, err);
    if (outcome == RIA_FAILED || !check_readable_to_end(file, err)) {
        return false;
    }
    const struct ria_service *service =
        outcome == RIA_FOUND ? setup_service_find(&services, section->name) : NULL;
    if (service == NULL) {
        bool is_added = ria_user_file_append(file, section->text, err);
        if (is_added) {
            (void)fputs(section->next, stdout); /* the caller reports a stdout that fails */
        }
        return is_added;
    }
    unsigned line = compare_service(&services, service, section, difference);
    if (line != 0) {
        return ria_user_file_differs(
            file,
            line,
            section->name,
            difference,
            "edit the entry, or choose another name with --service",
            err);
    }
    (void)printf(
        "%s:%u: [%s] already has these settings; nothing was changed\n",
        file->path,
        service->line,
        section->name);
    return true;
}

bool ria_setup_write_service(
    const struct ria_setup_section *section, const struct ria_world *world, struct ria_error *err)
{
    char path[PATH_MAX];
    struct ria_user_file file = {.directory = -1};
    const char *named = ria_world_env(world, "PGSERVICEFILE");
    if (named != NULL && strlen(named) >= sizeof(path)) {
        return ria_fail(err, RIA_E_CONFIG, "PGSERVICEFILE: the path is too long; shorten it");
    }
    const char *home = ria_world_home(world);
    bool is_known = named != NULL
                        ? ria_text_copy(path, sizeof(path), named)
                        : home != NULL && *home == '/' &&
                              ria_text_format(path, sizeof(path), "%s/.pg_service.conf", home);
    if (!is_known) {
        return ria_fail(
            err,
            RIA_E_CONFIG,
            "the directory of ~/.pg_service.conf is not known; set HOME to an absolute path");
    }
    bool ok = ria_user_file_open(path, "PGSERVICEFILE=COPY", world, &file, err) &&
              setup_service_add(section, &file, world, err);
    ria_user_file_release(&file);
    return ok;
}
