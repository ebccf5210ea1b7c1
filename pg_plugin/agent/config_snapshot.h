/* SPDX-License-Identifier: MIT
 *
 * Caches rds-iam's configuration: the agent uses the text of the last version without errors. An
 * edit that breaks the configuration has no effect until the user fixes it. Every other file is
 * read directly.
 */
#ifndef RIA_AGENT_CONFIG_SNAPSHOT_H
#define RIA_AGENT_CONFIG_SNAPSHOT_H

#include "rds_iam.h"

#include <limits.h>

enum {
    RIA_CONFIG_FILES = 2
};

/* One file of the configuration, and the result of reading it. */
struct ria_config_file {
    char path[PATH_MAX];
    uint64_t stamp; /* ria_config_snapshot_stamp() when the file was read */
    enum ria_outcome outcome;
    struct ria_buf text;
    struct ria_file facts;
    struct ria_error err;
};

struct ria_config_snapshot {
    struct ria_config_file
        *files; /* every file that the core tried to read, even one that does not exist */
    size_t count;
    uint64_t versions; /* the number of texts read so far */
    bool is_whole;     /* the cached configuration has no error */
    bool is_recording; /* ria_config_snapshot_refresh() is reading the files */
};

/* Returns a number that changes when the file is edited, created or removed. */
uint64_t ria_config_snapshot_stamp(const char *path);

/* Reads and checks the files if they were edited since the last call. Returns false with err filled
 * if the new texts contain an error. In this case, the cached texts stay in use if they contain no
 * error. Further calls return true until the next edit. Also returns false if memory runs out; the
 * next call then tries again. */
bool ria_config_snapshot_refresh(
    struct ria_config_snapshot *snapshot,
    const struct ria_world *world,
    struct ria_error *err) RIA_MUST_USE;

/* Implements read_file() of the agent's world: returns the cached text of a configuration file, if
 * the cached configuration has no error, and reads every other file. */
enum ria_outcome ria_config_snapshot_read(
    struct ria_config_snapshot *snapshot,
    const char *path,
    struct ria_buf *out,
    struct ria_file *facts,
    struct ria_error *err);

/* Implements read_facts() of the agent's world. For a cached text, fills *out with the facts that
 * the file had when it was read. So the core sees an unchanged file and parses the text only once.
 * Returns false while ria_config_snapshot_refresh() reads the files, and for a file that could not
 * be read.
 */
bool ria_config_snapshot_facts(
    const struct ria_config_snapshot *snapshot, const char *path, struct ria_file *out);

void ria_config_snapshot_release(struct ria_config_snapshot *snapshot);

#endif
