/* SPDX-License-Identifier: MIT
 *
 * Writes the agent's log to stderr or to agent.log, and to the file of RDS_IAM_LOG. Empties
 * agent.log when it exceeds 1 MB. Logs a message about a state only once while the state lasts.
 * Repeats a warning at most once an hour. Ignores write errors: a line that cannot be written is
 * lost. */
#include "agent/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOG_MAX = 1024 * 1024, /* enough for weeks of changes; a longer log is emptied */
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

/* Writes the line to the agent's own log. */
static void agent_log_write(const struct ria_log *log, enum ria_log_level level, const char *text)
{
    char whole[RIA_LOG_WHOLE_MAX];
    const struct ria_log_line line = {
        .program = "rds-iam-agent",
        .level = level,
        .text = text,
        .now = log->clock->now(log->clock->self),
        .pid = getpid(),
    };
    size_t len =
        log->has_time ? ria_log_line_for_file(&line, whole) : ria_log_line_for_stderr(&line, whole);
    truncate_if_long(log);
    (void)!write(log->fd, whole, len);
}

/* Writes the line to the agent's own log, and to the file of RDS_IAM_LOG. */
static void agent_log_line(const struct ria_log *log, enum ria_log_level level, const char *text)
{
    agent_log_write(log, level, text);
    (void)ria_process_log_to_file(level, text);
}

void ria_log_detail(struct ria_log *log, enum ria_log_level level, const char *line)
{
    if (!ria_process_log_to_file(level, line)) {
        agent_log_write(log, level, line);
    }
}

static void format_line(char line[RIA_LOG_LINE_MAX], const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void format_line(char line[RIA_LOG_LINE_MAX], const char *format, va_list args)
{
    (void)vsnprintf(line, RIA_LOG_LINE_MAX, format, args);
    ria_printable(line);
}

void ria_log_event(struct ria_log *log, const char *format, ...)
{
    char line[RIA_LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    format_line(line, format, args);
    va_end(args);
    agent_log_line(log, RIA_LOG_INFO, line);
}

void ria_log_error(struct ria_log *log, const char *format, ...)
{
    char line[RIA_LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    format_line(line, format, args);
    va_end(args);
    agent_log_line(log, RIA_LOG_WARNING, line);
}

void ria_log_state(struct ria_log *log, enum ria_log_level level, const char *format, ...)
{
    char line[RIA_LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    format_line(line, format, args);
    va_end(args);
    uint64_t hash = ria_log_hash(line);
    if (!was_logged(&log->now, hash)) {
        log_remember(&log->now, hash);
        if (!was_logged(&log->before, hash)) {
            agent_log_line(log, level, line);
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
    agent_log_line(log, RIA_LOG_WARNING, line);
}

void ria_log_release(struct ria_log *log)
{
    log_forget(&log->before);
    log_forget(&log->now);
}
