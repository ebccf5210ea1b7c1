/* SPDX-License-Identifier: MIT
 *
 * The log. */
#include "agent/report.h"

#include "agent/lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_SIZE = 2 * RIA_ERROR_TEXT_MAX, /* an error's sentence and its place */
    LOG_MAX = 1024 * 1024,              /* enough for weeks of changes; then the log starts anew */
};

static void start_anew_if_long(const struct ria_report *report)
{
    struct stat status;
    if (report->has_time && fstat(report->fd, &status) == 0 && status.st_size > LOG_MAX) {
        (void)!ftruncate(report->fd, 0);
    }
}

static void write_line(const struct ria_report *report, const char *line)
{
    char when[32] = "";
    if (report->has_time) {
        time_t now = report->clock->now(report->clock->self);
        struct tm date;
        (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ ", gmtime_r(&now, &date));
    }
    char text[LINE_SIZE + 64];
    int len = snprintf(text, sizeof(text), "%srds-iam-agent: %s\n", when, line);
    start_anew_if_long(report);
    (void)!write(report->fd, text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
}

static void format_line(char line[LINE_SIZE], const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void format_line(char line[LINE_SIZE], const char *format, va_list args)
{
    (void)vsnprintf(line, LINE_SIZE, format, args);
    ria_printable(line);
}

void ria_report_event(struct ria_report *report, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list args;
    va_start(args, format);
    format_line(line, format, args);
    va_end(args);
    write_line(report, line);
}

void ria_report_state(struct ria_report *report, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list args;
    va_start(args, format);
    format_line(line, format, args);
    va_end(args);
    if (!ria_lines_has(&report->before, line) && !ria_lines_has(&report->now, line)) {
        write_line(report, line);
    }
    ria_lines_add(&report->now, line);
}

void ria_report_next(struct ria_report *report)
{
    ria_buf_move(&report->before, &report->now);
}

void ria_report_release(struct ria_report *report)
{
    ria_buf_release(&report->before);
    ria_buf_release(&report->now);
}
