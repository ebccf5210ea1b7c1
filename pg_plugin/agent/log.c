/* SPDX-License-Identifier: MIT
 *
 * Writes the agent's log to stderr or to a file, which starts anew when it is long. A state that
 * has not changed is logged once; a warning that repeats, once an hour. Refuses nothing: a line
 * that cannot be written is lost. */
#include "agent/log.h"

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

uint64_t ria_log_hash(const char *text)
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
static void log_remember(struct ria_said *said, uint64_t hash)
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

static void log_forget(struct ria_said *said)
{
    free(said->hashes);
    *said = (struct ria_said){0};
}

/* -- saying --------------------------------------------------------------------------------- */

static void start_anew_if_long(const struct ria_log *log)
{
    struct stat status;
    if (log->has_time && fstat(log->fd, &status) == 0 && status.st_size > LOG_MAX) {
        (void)!ftruncate(log->fd, 0);
    }
}

static void write_line(const struct ria_log *log, const char *line)
{
    char when[RIA_TIMESTAMP_EXTENDED_SIZE];
    bool is_dated =
        log->has_time && ria_timestamp_format_extended(log->clock->now(log->clock->self), when);
    char text[LINE_SIZE + 64];
    int len = snprintf(
        text,
        sizeof(text),
        "%s%srds-iam-agent: %s\n",
        is_dated ? when : "",
        is_dated ? " " : "",
        line);
    start_anew_if_long(log);
    (void)!write(log->fd, text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
}

static void format_line(char line[LINE_SIZE], const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void format_line(char line[LINE_SIZE], const char *format, va_list args)
{
    (void)vsnprintf(line, LINE_SIZE, format, args);
    ria_printable(line);
}

void ria_log_event(struct ria_log *log, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list args;
    va_start(args, format);
    format_line(line, format, args);
    va_end(args);
    write_line(log, line);
}

void ria_log_state(struct ria_log *log, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list args;
    va_start(args, format);
    format_line(line, format, args);
    va_end(args);
    uint64_t hash = ria_log_hash(line);
    if (!has_said(&log->now, hash)) {
        log_remember(&log->now, hash);
        if (!has_said(&log->before, hash)) {
            write_line(log, line);
        }
    }
}

void ria_log_next(struct ria_log *log)
{
    log_forget(&log->before);
    log->before = log->now;
    log->now = (struct ria_said){0};
}

void ria_log_warning(struct ria_log *log, const char *line)
{
    uint64_t hash = ria_log_hash(line);
    int64_t now = log->clock->now(log->clock->self);
    for (size_t i = 0; i < RIA_LOG_WARNED_MAX; i++) {
        if (log->warned[i].hash == hash && now < log->warned[i].until) {
            return;
        }
    }
    log->warned[log->next_warning].hash = hash;
    log->warned[log->next_warning].until = now + WARNING_SECONDS;
    log->next_warning = (log->next_warning + 1) % RIA_LOG_WARNED_MAX;
    ria_log_event(log, "warning: %s", line);
}

void ria_log_release(struct ria_log *log)
{
    log_forget(&log->before);
    log_forget(&log->now);
}
