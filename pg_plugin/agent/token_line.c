/* SPDX-License-Identifier: MIT
 *
 * Makes the token of one line: calls the core, logs a new error with the service's file and line,
 * and sets when to try again. If more than 20 lines in succession fail for the same reason, logs
 * the first 20, then one message that more services have failed, and then nothing. */
#include "agent/token_line.h"

#include "passfile/passfile.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum {
    RETRY_SECONDS = 5,       /* after the first failure, at most; each failure doubles the wait */
    RETRY_MAX_SECONDS = 300, /* the longest wait */
    /* How many lines with the same error are logged; there may be ten thousand such lines. */
    REPEATED_MAX = 20,
};

/* Moves the token's source of credentials to the front of maker->sources. */
static void remember_source(struct ria_token_line_maker *maker, const struct ria_token *token)
{
    size_t i = 0;
    while (i < RIA_TOKEN_LINE_SOURCES - 1 && strcmp(maker->sources[i].name, token->source) != 0) {
        i++;
    }
    for (; i > 0; i--) {
        maker->sources[i] = maker->sources[i - 1];
    }
    memcpy(maker->sources[0].name, token->source, sizeof(token->source));
    maker->sources[0].expires = token->credentials_expires;
}

/* Returns the time at which the line must be checked again: when the core renews its credentials.
 * While the new credentials are being fetched, a client that opens the passfile still gets a token
 * signed with the old ones. Credentials whose renewal is overdue are checked after half of their
 * remaining life, so that the log reports the reason before logins fail. */
static int64_t next_check(int64_t now, const struct ria_token *token)
{
    if (token->credentials_expires == 0) {
        return INT64_MAX;
    }
    if (token->credentials_renewal > now) {
        return token->credentials_renewal;
    }
    int64_t half = (token->credentials_expires - now) / 2;
    return now + (half < RETRY_SECONDS ? RETRY_SECONDS : half);
}

static void describe_error(
    const struct ria_line *line, const char *message, char out[RIA_TOKEN_LINE_ERROR_SIZE])
{
    char host[RIA_HOST_SHOWN_SIZE];
    ria_show_host(line->host, host);
    (void)snprintf(
        out,
        RIA_TOKEN_LINE_ERROR_SIZE,
        "%.200s:%u: [%.64s] no token for %.64s at %.128s:%s: %s",
        line->path,
        line->place,
        line->service,
        line->user,
        host,
        line->port,
        message);
    ria_printable(out);
}

int64_t ria_token_line_find_error(
    const struct ria_token_line_maker *maker,
    const struct ria_entries *entries,
    char out[RIA_TOKEN_LINE_ERROR_SIZE])
{
    const struct ria_failure *newest = NULL;
    for (size_t i = 0; i < entries->line_count; i++) {
        const struct ria_line *line = &entries->lines[i];
        const struct ria_failure *failure =
            line->error == 0 ? NULL : ria_failures_find(&maker->failures, line->key);
        if (failure != NULL && (newest == NULL || failure->when > newest->when)) {
            newest = failure;
            describe_error(line, failure->message, out);
        }
    }
    return newest == NULL ? 0 : newest->when;
}

/* Logs why a line has no token, unless too many lines have the same error. */
static void log_token_error(
    struct ria_token_line_maker *maker, const struct ria_line *line, const struct ria_error *err)
{
    uint64_t cause = ria_log_hash(err->text);
    maker->repeated = cause == maker->cause ? maker->repeated + 1 : 0;
    maker->cause = cause;
    if (maker->repeated < REPEATED_MAX) {
        char text[RIA_TOKEN_LINE_ERROR_SIZE];
        describe_error(line, err->text, text);
        ria_log_error(&maker->agent->log, "%s", text);
    } else if (maker->repeated == REPEATED_MAX) {
        ria_log_error(&maker->agent->log, "more services have no token for the same reason");
    }
}

/* Returns how many seconds after a failure a line is tried again. `failures` is the number of
 * failures in succession before this one. Half of the wait is random, because the agents of many
 * hosts may have failed at the same time. */
static int64_t retry_wait(unsigned failures)
{
    uint32_t random = 0;
    int64_t wait = RETRY_SECONDS << (failures < 6 ? failures : 6);
    wait = wait < RETRY_MAX_SECONDS ? wait : RETRY_MAX_SECONDS;
    (void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
    return wait - (random % ((wait / 2) + 1));
}

/* Updates the line after a failed attempt. */
static void note_error(
    struct ria_token_line_maker *maker,
    struct ria_line *line,
    int64_t now,
    const struct ria_error *err)
{
    uint64_t hash = ria_log_hash(err->text);
    line->has_failed = true;
    ria_failures_add(&maker->failures, line->key, now, err);
    if (line->error != hash) {
        line->error = hash;
        log_token_error(maker, line, err);
    }
    line->retry_at = now + retry_wait(line->failures);
    line->failures++;
    line->has_token = false;
}

/* Updates the line after a successful attempt. */
static void note_token(
    struct ria_token_line_maker *maker,
    struct ria_line *line,
    int64_t now,
    const struct ria_token *token)
{
    if (line->error != 0) {
        ria_log_event(
            &maker->agent->log,
            "%s:%u: [%s] has its token again",
            line->path,
            line->place,
            line->service);
    }
    line->error = 0;
    line->failures = 0;
    line->has_token = true;
    line->expires = token->expires;
    line->retry_at = next_check(now, token);
    maker->cause = 0;
    remember_source(maker, token);
}

/* Logs that clients will reject the server of a line, although the line has its token. Logs at most
 * REPEATED_MAX lines. */
static void check_host(
    struct ria_token_line_maker *maker, struct ria_line *line, const struct ria_login *login)
{
    struct ria_error err;
    bool was_rejected = line->is_rejected;
    line->is_rejected = !ria_service_check_host(login, &maker->agent->world, &err);
    if (line->is_rejected && !was_rejected && maker->rejected < REPEATED_MAX) {
        maker->rejected++;
        ria_log_error(
            &maker->agent->log,
            "%s:%u: [%.64s] %s",
            line->path,
            line->place,
            line->service,
            err.text);
    }
}

/* Appends the passfile line that the client is about to read. */
static void token_line_add_line(
    struct ria_token_line_maker *maker,
    const struct ria_line *line,
    int64_t now,
    const struct ria_token *token,
    struct ria_buf *out)
{
    struct ria_passfile_line text = {line->host, line->port, line->user, token->text.data};
    ria_passfile_add(out, &text);
    maker->appended++;
    maker->last_appended = now;
    (void)ria_text_copy(maker->last_line.service, sizeof(maker->last_line.service), line->service);
    (void)ria_text_copy(maker->last_line.user, sizeof(maker->last_line.user), line->user);
    (void)ria_text_copy(maker->last_line.host, sizeof(maker->last_line.host), line->host);
    (void)ria_text_copy(maker->last_line.port, sizeof(maker->last_line.port), line->port);
}

enum ria_token_line_result ria_token_line_make(
    struct ria_token_line_maker *maker, struct ria_line *line, struct ria_buf *out)
{
    struct ria_agent *agent = maker->agent;
    struct ria_login login = {
        .host = line->host,
        .port = line->number,
        .user = line->user,
        .channel = RIA_CHANNEL_VERIFIED, /* the entry has sslmode=verify-full */
        .is_service = true,
    };
    /* In the background, a source gets the time limit of a command that a user runs in a terminal,
     * because a credential_process may need this time. A client that opens a passfile does not wait
     * so long (serve_file.c). */
    int64_t budget = agent->background == NULL ? RIA_LOGIN_BUDGET_MS : RIA_INTERACTIVE_BUDGET_MS;
    struct ria_deadline deadline = ria_deadline_in(&agent->world, budget);
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    struct ria_error err = {0};
    ria_watchdog_ping(&agent->watchdog);
    agent->is_pending = false;
    enum ria_outcome outcome = ria_token_for(&login, deadline, &agent->world, &token, &err);
    int64_t now = ria_agent_now(agent);
    line->is_pending = agent->is_pending;
    agent->is_pending = false;
    if (outcome == RIA_FOUND) {
        note_token(maker, line, now, &token);
        check_host(maker, line, &login);
        if (out != NULL) {
            token_line_add_line(maker, line, now, &token, out);
        }
        return RIA_TOKEN_LINE_MADE;
    }
    if (line->is_pending) {
        line->retry_at = INT64_MAX; /* until the fetch has ended */
        return RIA_TOKEN_LINE_PENDING;
    }
    note_error(maker, line, now, &err);
    return RIA_TOKEN_LINE_FAILED;
}
