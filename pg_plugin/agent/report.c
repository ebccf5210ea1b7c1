/* SPDX-License-Identifier: MIT
 *
 * The log. */
#include "agent/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINE_SIZE = 2 * RIA_ERROR_TEXT_MAX, /* an error's sentence and its place */
    LOG_MAX = 1024 * 1024,              /* enough for weeks of changes; then the log starts anew */
    SAID_STEP = 64,
    WARNING_SECONDS = 3600,
};

/* -- what was said -------------------------------------------------------------------------- */

uint64_t ria_report_hash(const char *text)
{
    /* Two sentences of one log hardly meet, and if they do, one is not said. */
    uint64_t hash = ria_hash(RIA_HASH_START, text, strlen(text));
    return hash == 0 ? 1 : hash;
}

static bool has_said(const struct ria_said *said, uint64_t hash)
{
    for (size_t i = 0; i < said->count; i++) {
        if (said->hashes[i] == hash) {
            return true;
        }
    }
    return false;
}

/* Without memory the line may be said again. */
static void remember(struct ria_said *said, uint64_t hash)
{
    if (said->count % SAID_STEP == 0) {
        uint64_t *larger =
            reallocarray(said->hashes, said->count + SAID_STEP, sizeof(*said->hashes));
        if (larger == NULL) {
            return;
        }
        said->hashes = larger;
    }
    said->hashes[said->count++] = hash;
}

static void forget(struct ria_said *said)
{
    free(said->hashes);
    *said = (struct ria_said){0};
}

/* -- saying --------------------------------------------------------------------------------- */

static void start_anew_if_long(const struct ria_report *report)
{
    struct stat status;
    if (report->has_time && fstat(report->fd, &status) == 0 && status.st_size > LOG_MAX) {
        (void)!ftruncate(report->fd, 0);
    }
}

static void write_line(const struct ria_report *report, const char *line)
{
    char when[RIA_TIMESTAMP_EXTENDED_SIZE];
    bool is_dated = report->has_time &&
                    ria_timestamp_format_extended(report->clock->now(report->clock->self), when);
    char text[LINE_SIZE + 64];
    int len = snprintf(
        text,
        sizeof(text),
        "%s%srds-iam-agent: %s\n",
        is_dated ? when : "",
        is_dated ? " " : "",
        line);
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
    uint64_t hash = ria_report_hash(line);
    if (!has_said(&report->now, hash)) {
        remember(&report->now, hash);
        if (!has_said(&report->before, hash)) {
            write_line(report, line);
        }
    }
}

void ria_report_next(struct ria_report *report)
{
    forget(&report->before);
    report->before = report->now;
    report->now = (struct ria_said){0};
}

void ria_report_warning(struct ria_report *report, const char *line)
{
    uint64_t hash = ria_report_hash(line);
    int64_t now = report->clock->now(report->clock->self);
    for (size_t i = 0; i < RIA_REPORT_WARNINGS; i++) {
        if (report->warned[i].hash == hash && now < report->warned[i].until) {
            return;
        }
    }
    report->warned[report->next_warning].hash = hash;
    report->warned[report->next_warning].until = now + WARNING_SECONDS;
    report->next_warning = (report->next_warning + 1) % RIA_REPORT_WARNINGS;
    ria_report_event(report, "warning: %s", line);
}

void ria_report_release(struct ria_report *report)
{
    forget(&report->before);
    forget(&report->now);
}
