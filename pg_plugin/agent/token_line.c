/* SPDX-License-Identifier: MIT
 *
 * One line. */
#include "agent/token_line.h"

#include "passfile/passfile.h"

#include <stdio.h>
#include <string.h>

enum {
    TOKEN_LIFE = 900,
    RETRY_SECONDS = 5,
    RETRY_MAX_SECONDS = 300,
    /* Ten thousand entries with one broken source are told by a few of them. */
    REPEATED_MAX = 20,
};

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

/* The core renews credentials in which less than a token's life is left, so that is when to look:
 * an open then has the old ones while the new ones come. Those that never have more are looked at
 * in time for a log that says why logins fail. */
static int64_t next_check(int64_t now, int64_t expires)
{
    if (expires == 0) {
        return INT64_MAX;
    }
    if (expires - TOKEN_LIFE > now) {
        return expires - TOKEN_LIFE;
    }
    int64_t half = (expires - now) / 2;
    return now + (half < RETRY_SECONDS ? RETRY_SECONDS : half);
}

static void token_line_say_refused(
    struct ria_token_line_maker *maker, const struct ria_line *line, const struct ria_error *err)
{
    uint64_t cause = ria_log_hash(err->text);
    char host[RIA_HOST_SHOWN_SIZE];
    ria_show_host(line->host, host);
    maker->repeated = cause == maker->cause ? maker->repeated + 1 : 0;
    maker->cause = cause;
    (void)snprintf(
        maker->last_error,
        sizeof(maker->last_error),
        "%.200s:%u: [%.64s] no token for %.64s at %.128s:%s: %s",
        line->path,
        line->place,
        line->service,
        line->user,
        host,
        line->port,
        err->text);
    ria_printable(maker->last_error);
    if (maker->repeated < REPEATED_MAX) {
        ria_log_event(&maker->agent->log, "%s", maker->last_error);
    } else if (maker->repeated == REPEATED_MAX) {
        ria_log_event(&maker->agent->log, "more services have no token for the same reason");
    }
}

static void take_refusal(
    struct ria_token_line_maker *maker,
    struct ria_line *line,
    int64_t now,
    const struct ria_error *err)
{
    uint64_t hash = ria_log_hash(err->text);
    maker->last_refused = now;
    if (line->error != hash) {
        line->error = hash;
        token_line_say_refused(maker, line, err);
    }
    int64_t wait = RETRY_SECONDS << (line->failures < 6 ? line->failures : 6);
    line->look_at = now + (wait < RETRY_MAX_SECONDS ? wait : RETRY_MAX_SECONDS);
    line->failures++;
    line->has_token = false;
}

static void take_token(
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
    line->look_at = next_check(now, token->credentials_expires);
    maker->cause = 0;
    remember_source(maker, token);
}

/* What a client is about to read. */
static void token_line_add_line(
    struct ria_token_line_maker *maker,
    const struct ria_line *line,
    int64_t now,
    const struct ria_token *token,
    struct ria_buf *out)
{
    struct ria_passfile_line text = {line->host, line->port, line->user, token->text.data};
    ria_passfile_add(out, &text);
    maker->made++;
    maker->last_made = now;
    (void)snprintf(
        maker->last_line,
        sizeof(maker->last_line),
        "[%.100s] for %.100s at %.200s:%s",
        line->service,
        line->user,
        line->host,
        line->port);
    ria_printable(maker->last_line);
}

enum ria_token_line_result ria_token_line_make(
    struct ria_token_line_maker *maker, struct ria_line *line, struct ria_buf *out)
{
    struct ria_agent *agent = maker->agent;
    struct ria_login login = {
        .host = line->host,
        .port = line->number,
        .user = line->user,
        .channel = RIA_CHANNEL_VERIFIED, /* the entry says sslmode=verify-full */
    };
    /* In the background a source has the time that a person would give it, a credential_process
     * above all. Nobody who opens a passfile waits for that (serve_file.c). */
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
        take_token(maker, line, now, &token);
        if (out != NULL) {
            token_line_add_line(maker, line, now, &token, out);
        }
        return RIA_TOKEN_LINE_MADE;
    }
    if (line->is_pending) {
        line->look_at = INT64_MAX; /* until it has come */
        return RIA_TOKEN_LINE_PENDING;
    }
    take_refusal(maker, line, now, &err);
    return RIA_TOKEN_LINE_REFUSED;
}
