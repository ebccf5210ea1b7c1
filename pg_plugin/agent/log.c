/* SPDX-License-Identifier: MIT
 *
 * Writes the agent's log to stderr or to a file. Truncates the file when it exceeds 1 MB. If
 * a state does not change, logs it only once. Repeats a warning at most once an hour. Ignores write
 * errors: a line that cannot be written is lost. */
#include "agent/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINE_SIZE = 2 * RIA_ERROR_TEXT_MAX, /* an error message with its file and line */
    LOG_MAX = 1024 * 1024,              /* enough for weeks of changes; a longer log is truncated */
    SET_STEP = 64,
    WARNING_SECONDS = 3600,
};

/* -- messages that were logged -------------------------------------------------------------- */

uint64_t ria_log_hash(const char *text)
{
    /* Two messages are unlikely to have the same hash. If they do, one of them is not logged. */
    uint64_t hash = ria_hash(RIA_HASH_START, text, strlen(text));
    return hash == 0 ? 1 : hash;
}

static bool was_logged(const struct ria_log_set *set, uint64_t hash)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->hashes[i] == hash) {
            return true;
        }
    }
    return false;
}

/* Adds a message. If there is not enough memory, the message may be logged again later. */
static void log_remember(struct ria_log_set *set, uint64_t hash)
{
    if (set->count % SET_STEP == 0) {
        uint64_t *larger = reallocarray(set->hashes, set->count + SET_STEP, sizeof(*set->hashes));
        if (larger == NULL) {
            return;
        }
        set->hashes = larger;
    }
    set->hashes[set->count++] = hash;
}

static void log_forget(struct ria_log_set *set)
{
    free(set->hashes);
    *set = (struct ria_log_set){0};
}

/* -- writing -------------------------------------------------------------------------------- */

static void truncate_if_long(const struct ria_log *log)
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
    truncate_if_long(log);
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
    if (!was_logged(&log->now, hash)) {
        log_remember(&log->now, hash);
        if (!was_logged(&log->before, hash)) {
            write_line(log, line);
        }
    }
}

void ria_log_next(struct ria_log *log)
{
    log_forget(&log->before);
    log->before = log->now;
    log->now = (struct ria_log_set){0};
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
