/* SPDX-License-Identifier: MIT
 *
 * A setting that remembers where it was read, and the way a settings file is found and read. What
 * a key means is said by the modules that use it (profile.h, config.h).
 */
#ifndef RIA_AWS_SETTING_H
#define RIA_AWS_SETTING_H

#include "base/world.h"
#include "codec/ini.h"

enum {
    RIA_PATH_MAX = 4096
};

/* Borrowed from the document that it was read from. value is NULL where nothing is set. */
struct ria_setting {
    const char *value;
    const char *path; /* a file, or the name of an option or a variable when line is 0; NULL where
                         nobody said it: a default */
    unsigned line;
};

/* Appends the place: "path:line", or "path". Nothing for a default. */
void ria_setting_add_place(struct ria_buf *out, const struct ria_setting *setting);

/* A number that a setting can be. */
struct ria_range {
    const char *name; /* of the setting */
    int64_t least;
    int64_t most;
};

/* Reads a number of digits alone. False with "path:line: name is ...; write a number from ...";
 * *out is then unchanged. */
bool ria_setting_number(
    const struct ria_setting *setting,
    const struct ria_range *range,
    enum ria_code code,
    int64_t *out,
    struct ria_error *err) RIA_MUST_USE;

/* Reads "true" or "false", in any case. False with a sentence as above. */
bool ria_setting_boolean(
    const struct ria_setting *setting, enum ria_code code, bool *out, struct ria_error *err)
    RIA_MUST_USE;

/* Writes `value` into path, a leading "~/" replaced by the user's home directory and a slash. False
 * if it needs that and there is none, or if it does not fit; path is then "". */
bool ria_setting_expand(const struct ria_world *world, const char *value, char path[RIA_PATH_MAX])
    RIA_MUST_USE;

/* Where a settings file is. */
struct ria_settings_path {
    const char *text;
    bool is_named; /* a variable names it; else it is the usual place (ria_world_read_usual()) */
};

/* Reads and parses the file. FOUND, ABSENT (no such file), or FAILED with its sentence. *file may
 * be NULL. */
enum ria_outcome ria_setting_read(
    const struct ria_world *world,
    const struct ria_settings_path *path,
    struct ria_ini *out,
    struct ria_file *file,
    struct ria_error *err) RIA_MUST_USE;

/* A file that a setting names: a token, or certificates. */
struct ria_named_file {
    const struct ria_setting *setting;
    const char *key;  /* the setting's name in a profile */
    const char *what; /* for messages: "token file" */
};

/* Reads such a file and fills *file. False with "path:line: the WHAT PATH ...", also if there is no
 * such file or if others can write it (base/trust.h). */
bool ria_setting_read_named(
    const struct ria_world *world,
    const struct ria_named_file *named,
    struct ria_buf *out,
    struct ria_file *file,
    struct ria_error *err) RIA_MUST_USE;

/* Refuses a value that has not the form of a region's name. */
bool ria_setting_check_region(
    const struct ria_setting *setting, enum ria_code code, struct ria_error *err) RIA_MUST_USE;

/* ria_fail() and ria_failed() with "path:line: " (or "path: " without a line) in front of the text;
 * with the text alone where the setting is a default. */
bool ria_fail_at(
    struct ria_error *err,
    enum ria_code code,
    const struct ria_setting *where,
    const char *format,
    ...) __attribute__((format(printf, 4, 5)));
enum ria_outcome ria_failed_at(
    struct ria_error *err,
    enum ria_code code,
    const struct ria_setting *where,
    const char *format,
    ...) __attribute__((format(printf, 4, 5)));

#endif
