/* SPDX-License-Identifier: MIT
 *
 * Reads and parses settings files, and parses the values of settings. Rejects a number outside its
 * range, and a region that does not have the form of a region's name. Also rejects a file that a
 * setting names, if other users can write the file.
 */
#include "aws/setting.h"

#include "aws/endpoint.h"
#include "base/ascii.h"
#include "base/messages.h"
#include "base/text.h"
#include "base/trust.h"
#include "codec/url.h"

#include <string.h>

enum {
    DIGITS_MAX = 18 /* a number of 18 digits fits into an int64_t; longer ones are rejected */
};

void ria_setting_add_place(struct ria_buf *out, const struct ria_setting *setting)
{
    if (setting->path == NULL) {
        return;
    }
    ria_buf_add_text(out, setting->path);
    if (setting->line > 0) {
        ria_buf_addf(out, ":%u", setting->line);
    }
}

bool ria_setting_number(
    const struct ria_setting *setting,
    const struct ria_range *range,
    enum ria_code code,
    int64_t *out,
    struct ria_error *err)
{
    size_t digits = strspn(setting->value, RIA_DIGITS);
    int64_t number = 0;
    bool is_number = digits > 0 && digits <= DIGITS_MAX && setting->value[digits] == '\0';
    for (size_t i = 0; is_number && i < digits; i++) {
        number = (number * 10) + (setting->value[i] - '0');
    }
    if (!is_number || number < range->least || number > range->most) {
        return ria_fail_at(
            err,
            code,
            setting,
            "%s is \"%.32s\"; write a number from %lld to %lld",
            range->name,
            setting->value,
            (long long)range->least,
            (long long)range->most);
    }
    *out = number;
    return true;
}

bool ria_setting_boolean(
    const struct ria_setting *setting, enum ria_code code, bool *out, struct ria_error *err)
{
    bool is_true = ria_ascii_same(setting->value, "true");
    if (!is_true && !ria_ascii_same(setting->value, "false")) {
        return ria_fail_at(
            err,
            code,
            setting,
            "\"%.32s\" is neither true nor false; write one of them",
            setting->value);
    }
    *out = is_true;
    return true;
}

static bool is_in_home(const char *value)
{
    return strncmp(value, "~/", 2) == 0;
}

bool ria_setting_needs_home(const struct ria_world *world, const char *value)
{
    return is_in_home(value) && ria_world_home(world) == NULL;
}

bool ria_setting_expand(const struct ria_world *world, const char *value, char path[RIA_PATH_MAX])
{
    const char *home = "";
    const char *rest = value;
    if (is_in_home(value)) {
        home = ria_world_home(world);
        rest = value + 1;
    }
    size_t home_len = home == NULL ? RIA_PATH_MAX : strlen(home);
    size_t rest_len = strlen(rest);
    if (home_len >= RIA_PATH_MAX || rest_len >= RIA_PATH_MAX - home_len) {
        path[0] = '\0';
        return false;
    }
    memcpy(path, home, home_len);
    memcpy(path + home_len, rest, rest_len + 1);
    return true;
}

enum ria_outcome ria_setting_read(
    const struct ria_world *world,
    const struct ria_settings_path *path,
    struct ria_ini *out,
    struct ria_file *file,
    struct ria_error *err)
{
    RIA_AUTO(buf) text = {.max = RIA_INI_TEXT_MAX};
    enum ria_outcome outcome = path->is_named
                                   ? ria_world_read(world, path->text, &text, file, err)
                                   : ria_world_read_default(world, path->text, &text, file, err);
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    return ria_ini_parse(path->text, &text, out, err) ? RIA_FOUND : RIA_FAILED;
}

bool ria_setting_read_named(
    const struct ria_world *world,
    const struct ria_named_file *named,
    struct ria_buf *out,
    struct ria_file *file,
    struct ria_error *err)
{
    char copy[64];
    struct ria_error why;
    const struct ria_setting *setting = named->setting;
    bool is_in_file = setting->line > 0;
    (void)ria_text_format(
        copy,
        sizeof(copy),
        is_in_file ? "%s = COPY" : "%s=COPY",
        is_in_file || setting->path == NULL ? named->key : setting->path);
    const struct ria_trusted trusted = {setting->value, copy};
    return ria_trust_read(world, &trusted, out, file, &why) == RIA_FOUND ||
           ria_fail_at(err, RIA_E_CREDENTIALS, setting, "the %s %s", named->what, why.text);
}

bool ria_setting_check_region(
    const struct ria_setting *setting, enum ria_code code, struct ria_error *err)
{
    return ria_region_is_plausible(setting->value) ||
           ria_fail_at(err, code, setting, RIA_REFUSAL_REGION, setting->value);
}

/* Formats the text, removes the secret parts of URLs, and writes the place of the setting before
 * the text. */
static bool fail_at(
    struct ria_error *err,
    enum ria_code code,
    const struct ria_setting *where,
    const char *format,
    va_list args) __attribute__((format(printf, 4, 0)));

static bool fail_at(
    struct ria_error *err,
    enum ria_code code,
    const struct ria_setting *where,
    const char *format,
    va_list args)
{
    char text[RIA_ERROR_TEXT_MAX];
    (void)ria_text_format_args(text, sizeof(text), format, args);
    ria_url_clean(text, sizeof(text));
    if (where->path == NULL) {
        return ria_fail(err, code, "%s", text);
    }
    if (where->line > 0) {
        return ria_fail(err, code, "%s:%u: %s", where->path, where->line, text);
    }
    return ria_fail(err, code, "%s: %s", where->path, text);
}

bool ria_fail_at(
    struct ria_error *err,
    enum ria_code code,
    const struct ria_setting *where,
    const char *format,
    ...)
{
    va_list args;
    va_start(args, format);
    (void)fail_at(err, code, where, format, args);
    va_end(args);
    return false;
}

enum ria_outcome ria_failed_at(
    struct ria_error *err,
    enum ria_code code,
    const struct ria_setting *where,
    const char *format,
    ...)
{
    va_list args;
    va_start(args, format);
    (void)fail_at(err, code, where, format, args);
    va_end(args);
    return RIA_FAILED;
}
