/* SPDX-License-Identifier: MIT
 *
 * Settings files: where they are and how they are read. */
#include "aws/setting.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool ria_setting_expand(const struct ria_world *world, const char *value, char path[RIA_PATH_MAX])
{
    const char *home = "";
    const char *rest = value;
    if (strncmp(value, "~/", 2) == 0) {
        home = ria_world_env(world, "HOME");
        rest = value + 1;
    }
    int len = home == NULL ? -1 : snprintf(path, RIA_PATH_MAX, "%s%s", home, rest);
    if (len < 0 || len >= RIA_PATH_MAX) {
        path[0] = '\0';
        return false;
    }
    return true;
}

enum ria_outcome ria_setting_read(
    const struct ria_world *world,
    const char *path,
    struct ria_ini *out,
    struct ria_file *file,
    struct ria_error *err)
{
    RIA_AUTO(buf) text = {.max = RIA_INI_TEXT_MAX};
    /* The usual way to say "no file" where a variable must name one. */
    if (strcmp(path, "/dev/null") == 0) {
        return ria_absent(err, "/dev/null holds nothing");
    }
    enum ria_outcome outcome = world->read_file(world->self, path, &text, file, err);
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    return ria_ini_parse(path, &text, out, err) ? RIA_FOUND : RIA_FAILED;
}

bool ria_fail_at(
    struct ria_error *err,
    enum ria_code code,
    const struct ria_setting *where,
    const char *format,
    ...)
{
    char text[RIA_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (where->line > 0) {
        return ria_fail(err, code, "%s:%u: %s", where->path, where->line, text);
    }
    return ria_fail(err, code, "%s: %s", where->path, text);
}
