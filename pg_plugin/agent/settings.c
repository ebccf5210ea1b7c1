/* SPDX-License-Identifier: MIT
 *
 * The core says which files its configuration is in by reading them: what it asks for while it
 * checks the configuration is written down, and given again at every later reading. */
#include "agent/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    TEXT_MAX = 16 * 1024 * 1024,
};

uint64_t ria_settings_stamp(const char *path)
{
    struct stat status = {0};
    (void)stat(path, &status);
    const uint64_t facts[] = {
        (uint64_t)status.st_ino,
        (uint64_t)status.st_size,
        (uint64_t)status.st_mode,
        (uint64_t)status.st_mtim.tv_sec,
        (uint64_t)status.st_mtim.tv_nsec,
        (uint64_t)status.st_ctim.tv_sec,
        (uint64_t)status.st_ctim.tv_nsec,
    };
    uint64_t stamp = 1;
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        stamp = (stamp * 31) + facts[i];
    }
    return stamp;
}

static struct ria_settings_file *find(const struct ria_settings *settings, const char *path)
{
    for (size_t i = 0; i < settings->count; i++) {
        if (strcmp(settings->files[i].path, path) == 0) {
            return &settings->files[i];
        }
    }
    return NULL;
}

static enum ria_outcome record(
    struct ria_settings *settings,
    const char *path,
    struct ria_buf *out,
    struct ria_file *facts,
    struct ria_error *err)
{
    const struct ria_world *world = ria_process_world();
    if (settings->count == RIA_SETTINGS_FILES) {
        return world->read_file(world->self, path, out, facts, err);
    }
    struct ria_settings_file *file = &settings->files[settings->count++];
    *file = (struct ria_settings_file){.text = {.max = TEXT_MAX}};
    (void)snprintf(file->path, sizeof(file->path), "%s", path);
    file->stamp = ria_settings_stamp(path);
    file->outcome = world->read_file(world->self, path, out, &file->facts, err);
    if (file->outcome == RIA_FOUND && out->data != NULL) {
        ria_buf_add(&file->text, out->data, out->len);
    } else if (file->outcome != RIA_FOUND) {
        file->err = *err;
    }
    /* The text stays as it is, whatever becomes of the file. */
    file->facts.stamp.version = ++settings->versions;
    file->facts.stamp.is_settled = true;
    if (facts != NULL) {
        *facts = file->facts;
    }
    return file->outcome;
}

bool ria_settings_facts(const struct ria_settings *settings, const char *path, struct ria_file *out)
{
    const struct ria_settings_file *file = settings->is_whole ? find(settings, path) : NULL;
    if (settings->is_recording || (file != NULL && file->outcome != RIA_FOUND)) {
        return false;
    }
    if (file == NULL || file->text.failed) {
        const struct ria_world *world = ria_process_world();
        return world->look(world->self, path, out);
    }
    *out = file->facts;
    return true;
}

enum ria_outcome ria_settings_read(
    struct ria_settings *settings,
    const char *path,
    struct ria_buf *out,
    struct ria_file *facts,
    struct ria_error *err)
{
    if (settings->is_recording) {
        return record(settings, path, out, facts, err);
    }
    const struct ria_settings_file *file = settings->is_whole ? find(settings, path) : NULL;
    if (file == NULL || file->text.failed || file->text.len > out->max) {
        const struct ria_world *world = ria_process_world();
        return world->read_file(world->self, path, out, facts, err);
    }
    if (file->outcome != RIA_FOUND) {
        *err = file->err;
        return file->outcome;
    }
    if (file->text.len > 0) {
        ria_buf_add(out, file->text.data, file->text.len);
    }
    if (facts != NULL) {
        *facts = file->facts;
    }
    return RIA_FOUND;
}

static bool is_edited(const struct ria_settings *settings)
{
    bool is_edited = settings->count == 0;
    for (size_t i = 0; i < settings->count; i++) {
        is_edited =
            is_edited || settings->files[i].stamp != ria_settings_stamp(settings->files[i].path);
    }
    return is_edited;
}

/* The old texts stay; the edit that broke them is not looked at again. */
static void keep(struct ria_settings *settings, const struct ria_settings *broken)
{
    for (size_t i = 0; i < broken->count; i++) {
        struct ria_settings_file *file = find(settings, broken->files[i].path);
        if (file != NULL) {
            file->stamp = broken->files[i].stamp;
        }
    }
}

bool ria_settings_look(
    struct ria_settings *settings, const struct ria_world *world, struct ria_error *err)
{
    if (!is_edited(settings)) {
        return true;
    }
    struct ria_settings before = *settings;
    *settings = (struct ria_settings){
        .files = calloc(RIA_SETTINGS_FILES, sizeof(*settings->files)),
        .versions = before.versions,
        .is_recording = true,
    };
    if (settings->files == NULL) {
        *settings = before;
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "the configuration");
    }
    settings->is_whole = ria_configuration_check(world, err);
    settings->is_recording = false;
    bool is_whole = settings->is_whole;
    if (!is_whole && before.is_whole) {
        struct ria_settings broken = *settings;
        *settings = before;
        settings->versions = broken.versions;
        keep(settings, &broken);
        ria_settings_release(&broken);
    } else {
        ria_settings_release(&before);
    }
    return is_whole;
}

void ria_settings_release(struct ria_settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        ria_buf_release(&settings->files[i].text);
    }
    free(settings->files);
    *settings = (struct ria_settings){0};
}
