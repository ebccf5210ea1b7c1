/* SPDX-License-Identifier: MIT
 *
 * Parses RDS_IAM_LOG and formats log lines. An invalid value still enables the log: an unknown
 * level counts as info, and if the file is not an absolute path, the log goes to stderr. */
#include "base/log_line.h"

#include "base/ascii.h"
#include "base/text.h"
#include "base/timestamp.h"

#include <string.h>

static const char *const level_names[RIA_LOG_LEVELS] = {
    [RIA_LOG_WARNING] = "warning",
    [RIA_LOG_INFO] = "info",
    [RIA_LOG_DEBUG] = "debug",
};

static bool is_word(const char *word, size_t len, const char *name)
{
    return strlen(name) == len && ria_ascii_same_bytes(word, name, len);
}

static void parse_level(const char *word, size_t len, struct ria_log_setting *out)
{
    for (int level = 0; level < RIA_LOG_LEVELS; level++) {
        if (is_word(word, len, level_names[level])) {
            out->level = (enum ria_log_level)level;
            return;
        }
    }
    out->level = RIA_LOG_INFO;
    out->is_unknown_level = !is_word(word, len, "1");
}

bool ria_log_setting_parse(const char *value, struct ria_log_setting *out)
{
    *out = (struct ria_log_setting){0};
    size_t len = value == NULL ? 0 : strcspn(value, ":");
    if (value == NULL || *value == '\0' || is_word(value, len, "0")) {
        return false;
    }
    out->is_on = true;
    parse_level(value, len, out);
    const char *path = value[len] == ':' ? value + len + 1 : NULL;
    out->is_relative_path = path != NULL && *path != '/';
    out->path = out->is_relative_path ? NULL : path;
    return true;
}

/* Copies a program's name up to its first character that is not safe in a line. Writes "?" if no
 * character is left. */
static void copy_program(const char *name, char out[RIA_LOG_PROGRAM_MAX])
{
    size_t len = 0;
    while (len < RIA_LOG_PROGRAM_MAX - 1 &&
           (ria_ascii_is_alnum(name[len]) || (name[len] != '\0' && strchr("._+-", name[len])))) {
        out[len] = name[len];
        len++;
    }
    if (len == 0) {
        out[len++] = '?';
    }
    out[len] = '\0';
}

/* Replaces control characters, and ends a line with a newline. The callers leave one byte of the
 * array free for it. */
static size_t log_line_end(char out[RIA_LOG_WHOLE_MAX])
{
    ria_printable(out);
    size_t len = strlen(out);
    out[len] = '\n';
    out[len + 1] = '\0';
    return len + 1;
}

size_t ria_log_line_for_stderr(const struct ria_log_line *line, char out[RIA_LOG_WHOLE_MAX])
{
    bool is_info = line->level == RIA_LOG_INFO;
    char program[RIA_LOG_PROGRAM_MAX];
    copy_program(line->program, program);
    (void)ria_text_format(
        out,
        RIA_LOG_WHOLE_MAX - 1,
        "%s: %s%s%s",
        program,
        is_info ? "" : level_names[line->level],
        is_info ? "" : ": ",
        line->text);
    return log_line_end(out);
}

size_t ria_log_line_for_file(const struct ria_log_line *line, char out[RIA_LOG_WHOLE_MAX])
{
    char when[RIA_TIMESTAMP_EXTENDED_SIZE];
    char program[RIA_LOG_PROGRAM_MAX];
    copy_program(line->program, program);
    (void)ria_text_format(
        out,
        RIA_LOG_WHOLE_MAX - 1,
        "%s rds-iam[%ld] %s %s: %s",
        ria_timestamp_format_extended(line->now, when) ? when : "-",
        (long)line->pid,
        program,
        level_names[line->level],
        line->text);
    return log_line_end(out);
}
