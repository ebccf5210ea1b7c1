/* SPDX-License-Identifier: MIT
 *
 * While the core (rds_iam.h) checks rds-iam's configuration, records which files the core reads,
 * and their texts. When the core later reads one of these files, returns the recorded text, if the
 * check has found no error. */
#include "agent/config_snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    TEXT_MAX = 16 * 1024 * 1024,
};

uint64_t ria_config_snapshot_stamp(const char *path)
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

static struct ria_config_file *config_snapshot_find(
    const struct ria_config_snapshot *snapshot, const char *path)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        if (strcmp(snapshot->files[i].path, path) == 0) {
            return &snapshot->files[i];
        }
    }
    return NULL;
}

/* Reads a file and caches the result. If RIA_CONFIG_FILES files are cached already, does not cache
 * the result. */
static enum ria_outcome record(
    struct ria_config_snapshot *snapshot,
    const char *path,
    struct ria_buf *out,
    struct ria_file *facts,
    struct ria_error *err)
{
    const struct ria_world *world = ria_process_world();
    if (snapshot->count == RIA_CONFIG_FILES) {
        return world->read_file(world->self, path, out, facts, err);
    }
    struct ria_config_file *file = &snapshot->files[snapshot->count++];
    *file = (struct ria_config_file){.text = {.max = TEXT_MAX}};
    (void)snprintf(file->path, sizeof(file->path), "%s", path);
    file->stamp = ria_config_snapshot_stamp(path);
    file->outcome = world->read_file(world->self, path, out, &file->facts, err);
    if (file->outcome == RIA_FOUND && out->data != NULL) {
        ria_buf_add(&file->text, out->data, out->len);
    } else if (file->outcome != RIA_FOUND) {
        file->err = *err;
    }
    /* These facts describe the cached text, which stays the same when the file changes. */
    file->facts.stamp.version = ++snapshot->versions;
    file->facts.stamp.is_settled = true;
    if (facts != NULL) {
        *facts = file->facts;
    }
    return file->outcome;
}

bool ria_config_snapshot_facts(
    const struct ria_config_snapshot *snapshot, const char *path, struct ria_file *out)
{
    const struct ria_config_file *file =
        snapshot->is_whole ? config_snapshot_find(snapshot, path) : NULL;
    if (snapshot->is_recording || (file != NULL && file->outcome != RIA_FOUND)) {
        return false;
    }
    if (file == NULL || file->text.failed) {
        const struct ria_world *world = ria_process_world();
        return world->read_facts(world->self, path, out);
    }
    *out = file->facts;
    return true;
}

enum ria_outcome ria_config_snapshot_read(
    struct ria_config_snapshot *snapshot,
    const char *path,
    struct ria_buf *out,
    struct ria_file *facts,
    struct ria_error *err)
{
    if (snapshot->is_recording) {
        return record(snapshot, path, out, facts, err);
    }
    const struct ria_config_file *file =
        snapshot->is_whole ? config_snapshot_find(snapshot, path) : NULL;
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

/* Returns true if a file was edited, or if no file was read yet. */
static bool is_edited(const struct ria_config_snapshot *snapshot)
{
    bool is_edited = snapshot->count == 0;
    for (size_t i = 0; i < snapshot->count; i++) {
        is_edited = is_edited ||
                    snapshot->files[i].stamp != ria_config_snapshot_stamp(snapshot->files[i].path);
    }
    return is_edited;
}

/* The new version contains an error, so the texts of the old version stay in use. Copies the stamps
 * of the new version to the files of the old one, so that the agent does not read the same edit
 * again. */
static void config_snapshot_copy_stamps(
    struct ria_config_snapshot *snapshot, const struct ria_config_snapshot *broken)
{
    for (size_t i = 0; i < broken->count; i++) {
        struct ria_config_file *file = config_snapshot_find(snapshot, broken->files[i].path);
        if (file != NULL) {
            file->stamp = broken->files[i].stamp;
        }
    }
}

bool ria_config_snapshot_refresh(
    struct ria_config_snapshot *snapshot, const struct ria_world *world, struct ria_error *err)
{
    if (!is_edited(snapshot)) {
        return true;
    }
    struct ria_config_snapshot before = *snapshot;
    *snapshot = (struct ria_config_snapshot){
        .files = calloc(RIA_CONFIG_FILES, sizeof(*snapshot->files)),
        .versions = before.versions,
        .is_recording = true,
    };
    if (snapshot->files == NULL) {
        *snapshot = before;
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "the configuration");
    }
    snapshot->is_whole = ria_configuration_check(world, err);
    snapshot->is_recording = false;
    bool is_whole = snapshot->is_whole;
    if (!is_whole && before.is_whole) {
        struct ria_config_snapshot broken = *snapshot;
        *snapshot = before;
        snapshot->versions = broken.versions;
        config_snapshot_copy_stamps(snapshot, &broken);
        ria_config_snapshot_release(&broken);
    } else {
        ria_config_snapshot_release(&before);
    }
    return is_whole;
}

void ria_config_snapshot_release(struct ria_config_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        ria_buf_release(&snapshot->files[i].text);
    }
    free(snapshot->files);
    *snapshot = (struct ria_config_snapshot){0};
}
