/* SPDX-License-Identifier: MIT
 *
 * A setting with the place where it was read, and functions that read and parse a settings file, or
 * parse the value of a setting. This module does not interpret keys; provider/ and config/
 * interpret them. */
#ifndef RIA_AWS_SETTING_H
#define RIA_AWS_SETTING_H

#include "base/world.h"
#include "codec/ini.h"

enum {
    RIA_PATH_MAX = 4096
};

/* A setting. The strings are borrowed from the parsed file, the environment or the command line. */
struct ria_setting {
    const char *value; /* NULL: not set */
    const char *path;  /* the path of the file. If line is 0, the name of the option or variable, or
                          NULL for a default */
    unsigned line;     /* counted from 1 */
};

/* Appends the place of a setting: "path:line", or "path". Appends nothing for a default. */
void ria_setting_add_place(struct ria_buf *out, const struct ria_setting *setting);

/* The numbers that a setting accepts. */
struct ria_range {
    const char *name; /* name of the setting */
    int64_t least;
    int64_t most;
};

/* Parses a number that consists of digits only. If the value is not such a number, or is out of
 * range, returns false with err filled ("path:line: name is ...; write a number from ...") and *out
 * unchanged. */
bool ria_setting_number(
    const struct ria_setting *setting,
    const struct ria_range *range,
    enum ria_code code,
    int64_t *out,
    struct ria_error *err) RIA_MUST_USE;

/* Parses "true" or "false", in upper or lower case. For any other value, returns false with err
 * filled ("path:line: ...") and *out unchanged. */
bool ria_setting_boolean(
    const struct ria_setting *setting, enum ria_code code, bool *out, struct ria_error *err)
    RIA_MUST_USE;

/* Copies `value` into the array `path`. Replaces a leading "~/" by the user's home directory.
 * Returns false, with path "", if the home directory is needed but unknown, or if the result does
 * not fit. */
bool ria_setting_expand(const struct ria_world *world, const char *value, char path[RIA_PATH_MAX])
    RIA_MUST_USE;

/* Returns which of the two reasons applies if ria_setting_expand() has returned false: true if the
 * home directory is needed but unknown, false if the result does not fit. */
bool ria_setting_needs_home(const struct ria_world *world, const char *value);

/* The path of a settings file. */
struct ria_settings_path {
    const char *text;
    bool is_named; /* an environment variable names this path; otherwise it is the default path
                      (ria_world_read_default()) */
};

/* Reads and parses the file. Returns ABSENT with err filled if the file does not exist. Also
 * returns ABSENT, with the code RIA_E_UNREACHABLE, if the path is a default path at which the user
 * cannot have a file: it is a directory or a loop of links, or the user is not allowed to search a
 * directory on the path (read_file() in base/world.h). Returns FAILED with err filled if the file
 * cannot be read or parsed. `file` may be NULL. */
enum ria_outcome ria_setting_read(
    const struct ria_world *world,
    const struct ria_settings_path *path,
    struct ria_ini *out,
    struct ria_file *file,
    struct ria_error *err) RIA_MUST_USE;

/* A file that a setting names: a token file, or a file of certificates. */
struct ria_named_file {
    const struct ria_setting *setting;
    const char *key;  /* the setting's name in a profile, else the name of its variable */
    const char *what; /* for messages: "token file" */
};

/* Reads the file and fills *file. Returns false with err filled ("path:line: the WHAT PATH ...") if
 * the file does not exist, cannot be read, or can be written by other users (base/trust.h). */
bool ria_setting_read_named(
    const struct ria_world *world,
    const struct ria_named_file *named,
    struct ria_buf *out,
    struct ria_file *file,
    struct ria_error *err) RIA_MUST_USE;

/* Returns false with err filled if the value does not have the form of a region's name. */
bool ria_setting_check_region(
    const struct ria_setting *setting, enum ria_code code, struct ria_error *err) RIA_MUST_USE;

/* Like ria_fail(), and writes the place of the setting before the text: "path:line: ", or "path: "
 * if line is 0. For a default, the text has no prefix. Removes the secret parts of URLs in the text
 * (codec/url.h). */
bool ria_fail_at(
    struct ria_error *err,
    enum ria_code code,
    const struct ria_setting *where,
    const char *format,
    ...) __attribute__((format(printf, 4, 5)));

/* Like ria_fail_at(), and returns RIA_FAILED. */
enum ria_outcome ria_failed_at(
    struct ria_error *err,
    enum ria_code code,
    const struct ria_setting *where,
    const char *format,
    ...) __attribute__((format(printf, 4, 5)));

#endif
