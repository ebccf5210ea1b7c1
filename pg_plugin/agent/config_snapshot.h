/* SPDX-License-Identifier: MIT
 *
 * rds-iam's configuration as the agent uses it: what it said when it was last whole. An edit that
 * breaks it changes nothing until it is mended. Other files are read as they are.
 */
#ifndef RIA_AGENT_CONFIG_SNAPSHOT_H
#define RIA_AGENT_CONFIG_SNAPSHOT_H

#include "rds_iam.h"

#include <limits.h>

enum {
    RIA_CONFIG_FILES = 2
};

struct ria_config_file {
    char path[PATH_MAX];
    uint64_t stamp; /* of the file when it was read */
    enum ria_outcome outcome;
    struct ria_buf text;
    struct ria_file facts;
    struct ria_error err;
};

struct ria_config_snapshot {
    struct ria_config_file *files; /* what a reading asked for, also what is not there */
    size_t count;
    uint64_t versions; /* how many texts were read so far */
    bool is_whole;
    bool is_recording;
};

/* A number that changes when the file is edited, comes or goes. */
uint64_t ria_config_snapshot_stamp(const char *path);

/* Looks whether the files were edited since the last call, and reads them if so. False, with err
 * filled, if that found them broken: what they said before is used on, if they ever were whole. */
bool ria_config_snapshot_refresh(
    struct ria_config_snapshot *snapshot,
    const struct ria_world *world,
    struct ria_error *err) RIA_MUST_USE;

/* The read_file() of the agent's world. */
enum ria_outcome ria_config_snapshot_read(
    struct ria_config_snapshot *snapshot,
    const char *path,
    struct ria_buf *out,
    struct ria_file *facts,
    struct ria_error *err);

/* The look() of the agent's world: of a text that is used on, the facts of the file when it was
 * read, so that the core parses the text once. */
bool ria_config_snapshot_facts(
    const struct ria_config_snapshot *snapshot, const char *path, struct ria_file *out);

void ria_config_snapshot_release(struct ria_config_snapshot *snapshot);

#endif
