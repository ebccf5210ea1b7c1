/* SPDX-License-Identifier: MIT
 *
 * Prints the checklist of rds-iam check, line by line as the checks run, or collects it for JSON.
 */
#include "check/report.h"

#include "tool/tool.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    WIDTH = 80,
    NAME_WIDTH = 18,
    INDENT = 2 + 5 + NAME_WIDTH + 1,             /* spaces, mark, name, space */
    REMEDY_MAX = RIA_REPORT_TEXT_MAX + PATH_MAX, /* a remedy may contain a path */
};

#define CONTINUES " \\"

static const struct {
    const char *text;
    const char *colour; /* an SGR sequence of ECMA-48 */
    const char *json;
} marks[] = {
    [RIA_MARK_OK] = {"ok", "\x1b[32m", "ok"},
    [RIA_MARK_NOTE] = {"-", "", "note"},
    [RIA_MARK_WARNING] = {"warn", "\x1b[33m", "warning"},
    [RIA_MARK_FAULT] = {"FAIL", "\x1b[31m", "fault"},
    [RIA_MARK_SKIPPED] = {"skip", "\x1b[2m", "skipped"},
};

void ria_report_begin(
    struct ria_report *report, struct ria_json_writer *json, const struct ria_world *world)
{
    const char *term = ria_world_env(world, "TERM");
    *report = (struct ria_report){.json = json};
    if (json != NULL) {
        ria_json_writer_object(json, NULL);
        ria_json_writer_array(json, "items");
    }
    report->is_coloured = json == NULL && isatty(STDOUT_FILENO) == 1 &&
                          ria_world_env(world, "NO_COLOR") == NULL && term != NULL &&
                          strcmp(term, "dumb") != 0;
}

void ria_report_section(struct ria_report *report, const char *title)
{
    report->section = title;
    report->is_section_shown = false;
}

/* Returns the number of columns that `len` bytes of UTF-8 take: the number of bytes that begin a
 * character. */
static size_t columns_of(const char *text, size_t len)
{
    size_t columns = 0;
    for (size_t i = 0; i < len; i++) {
        columns += ((unsigned char)text[i] & 0xc0) == 0x80 ? 0 : 1;
    }
    return columns;
}

/* Returns whether a remedy is a command for a shell. */
static bool is_shell_command(const char *text)
{
    static const char *const begins[] = {"aws ", "rds-iam ", "systemctl ", "timedatectl "};
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        if (strncmp(text, begins[i], strlen(begins[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Prints the words of a text. If a word does not fit on the line, begins a new line, indented by
 * `indent` spaces. `column` is the column at which the text begins. Does not break a word that is
 * longer than a line. If the text is a command, ends each line except the last with a backslash. So
 * the user can copy long words and commands. */
static void print_wrapped(const char *text, size_t indent, size_t column)
{
    bool is_command = is_shell_command(text);
    size_t width = is_command ? WIDTH - strlen(CONTINUES) : WIDTH;
    bool is_first = true;
    while (*text != '\0') {
        size_t len = strcspn(text, " \n");
        size_t columns = columns_of(text, len);
        if (!is_first && column + 1 + columns > width) {
            (void)printf("%s\n%*s", is_command ? CONTINUES : "", (int)indent, "");
            column = indent;
        } else if (!is_first) {
            (void)putchar(' ');
            column++;
        }
        (void)printf("%.*s", (int)len, text);
        column += columns;
        is_first = false;
        text += len;
        text += strspn(text, " \n");
    }
    (void)putchar('\n');
}

static void print_title(struct ria_report *report, const char *title)
{
    (void)printf("%s%s\n", report->has_items ? "\n" : "", title);
    report->has_items = true;
}

static void print_item(
    struct ria_report *report,
    enum ria_mark mark,
    const char *name,
    const char *text,
    const char *remedy)
{
    bool is_coloured = report->is_coloured && *marks[mark].colour != '\0';
    if (!report->is_section_shown) {
        print_title(report, report->section);
        report->is_section_shown = true;
    }
    (void)printf(
        "  %s%-5s%s%-*s ",
        is_coloured ? marks[mark].colour : "",
        marks[mark].text,
        is_coloured ? "\x1b[0m" : "",
        NAME_WIDTH,
        name);
    print_wrapped(text, INDENT, INDENT);
    if (remedy != NULL) {
        (void)printf("%*s", INDENT, "");
        print_wrapped(remedy, INDENT, INDENT);
    }
    (void)fflush(stdout);
}

static void add_json(
    struct ria_report *report,
    enum ria_mark mark,
    const char *name,
    const char *text,
    const char *remedy)
{
    struct ria_json_writer *json = report->json;
    ria_json_writer_object(json, NULL);
    ria_json_writer_text(json, "section", report->section);
    ria_json_writer_text(json, "name", name);
    ria_json_writer_text(json, "mark", marks[mark].json);
    ria_json_writer_text(json, "text", text);
    ria_json_writer_text(json, "remedy", remedy);
    ria_json_writer_end(json);
}

void ria_report_add(
    struct ria_report *report,
    enum ria_mark mark,
    const char *name,
    const char *remedy,
    const char *format,
    ...)
{
    char text[RIA_REPORT_TEXT_MAX];
    char shown[REMEDY_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ria_printable(text);
    if (remedy != NULL) {
        (void)ria_text_copy(shown, sizeof(shown), remedy);
        ria_printable(shown);
        remedy = shown;
    }
    if (report->json != NULL) {
        add_json(report, mark, name, text, remedy);
    } else {
        print_item(report, mark, name, text, remedy);
    }
}

void ria_report_add_error(
    struct ria_report *report, enum ria_mark mark, const char *name, const struct ria_error *err)
{
    ria_report_add(report, mark, name, NULL, "%s", err->text);
}

/* -- causes ---------------------------------------------------------------------------------- */

void ria_report_begin_causes(struct ria_report *report, const char *title)
{
    report->has_causes = true;
    if (report->json != NULL) {
        ria_json_writer_end(report->json);
        ria_json_writer_array(report->json, "causes");
    } else {
        (void)printf("\n");
        print_wrapped(title, 0, 0);
    }
}

void ria_report_add_cause(
    struct ria_report *report, const char *id, const char *text, const char *remedy)
{
    if (report->json != NULL) {
        ria_json_writer_object(report->json, NULL);
        ria_json_writer_text(report->json, "cause", id);
        ria_json_writer_text(report->json, "text", text);
        ria_json_writer_text(report->json, "remedy", remedy);
        ria_json_writer_end(report->json);
        return;
    }
    (void)printf("\n  * ");
    print_wrapped(text, 4, 4);
    (void)printf("    ");
    print_wrapped(remedy, 4, 4);
}

static void add_json_times(struct ria_json_writer *json, const struct ria_times *times)
{
    static const char *const names[] = {
        [RIA_PHASE_NAME] = "name",
        [RIA_PHASE_TCP] = "tcp",
        [RIA_PHASE_TLS] = "tls",
        [RIA_PHASE_CREDENTIALS] = "credentials",
        [RIA_PHASE_SIGNATURE] = "signature",
        [RIA_PHASE_VERDICT] = "verdict",
        [RIA_PHASE_LOGIN] = "login",
    };
    ria_json_writer_object(json, "times_us");
    for (size_t i = 0; i < RIA_PHASES; i++) {
        if (times->us[i] == RIA_TIME_UNKNOWN) {
            ria_json_writer_null(json, names[i]);
        } else {
            ria_json_writer_number(json, names[i], times->us[i]);
        }
    }
    ria_json_writer_end(json);
}

static void end_json(
    struct ria_report *report,
    const char *target,
    const struct ria_times *times,
    const char *result,
    const char *text,
    int status)
{
    struct ria_json_writer *json = report->json;
    ria_json_writer_end(json);
    if (!report->has_causes) {
        ria_json_writer_array(json, "causes");
        ria_json_writer_end(json);
    }
    add_json_times(json, times);
    ria_json_writer_text(json, "target", target);
    ria_json_writer_text(json, "result", result);
    ria_json_writer_text(json, "summary", text);
    ria_json_writer_number(json, "status", status);
    ria_json_writer_end(json);
}

int ria_report_end(
    struct ria_report *report,
    const char *target,
    const struct ria_times *times,
    const char *result,
    const char *text,
    int status)
{
    if (report->json != NULL) {
        end_json(report, target, times, result, text, status);
        return status;
    }
    (void)printf("\n");
    print_wrapped(text, 0, 0);
    return ria_print("") == RIA_EXIT_OK ? status : RIA_EXIT_FAILED;
}
