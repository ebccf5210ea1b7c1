/* SPDX-License-Identifier: MIT
 *
 * Checks the AWS credentials: which sources were tried, to whom the credentials belong according to
 * STS, when the credentials expire, and how far this machine's clock is off. Uses the network only
 * through rds-iam-fetch. If STS cannot be reached, reports no fault, because the login still shows
 * whether the credentials work. */
#include "check/facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUDGET_MS = 15000, /* to get the credentials, and again to get their identity */
    LABEL_LEN = 18,    /* the width of the label of a line of the explanation (login/explain.c) */
    TOKEN_SECONDS = 900,
    CLOCK_GOOD = 60, /* seconds; up to this difference of the clocks, AWS accepts every new token */
    CLOCK_AHEAD = 300, /* seconds; if the clock is ahead by this or more, AWS rejects signatures */
    CLOCK_BEHIND =
        900, /* seconds; if the clock is behind by this or more, a new token has expired already */
};

/* Returns whether other checks report the facts of this line of the explanation, and with more
 * detail. */
static bool is_reported_elsewhere(const char *label)
{
    static const char *const labels[] = {
        "database", "endpoint", "region", "identity", "expires", "clock"};
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        if (strcmp(label, labels[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Adds an item for one line of the explanation, "label text". The name of the item is the label. In
 * the explanation, the parameters of a role are indented; the item's name has no indentation. */
static void add_line(struct ria_facts *facts, const char *line, size_t len)
{
    char label[LABEL_LEN + 1];
    char text[RIA_ERROR_TEXT_MAX];
    size_t label_len = len < LABEL_LEN ? len : LABEL_LEN;
    size_t spaces = strspn(line, " ");
    (void)snprintf(label, sizeof(label), "%.*s", (int)(label_len - spaces), line + spaces);
    for (size_t i = strlen(label); i > 0 && label[i - 1] == ' '; i--) {
        label[i - 1] = '\0';
    }
    (void)snprintf(text, sizeof(text), "%.*s", (int)(len - label_len), line + label_len);
    if (!is_reported_elsewhere(label)) {
        const char *begin = text + strspn(text, " ");
        enum ria_mark mark = strncmp(begin, "FAILED", 6) == 0 ? RIA_MARK_FAULT : RIA_MARK_NOTE;
        if (mark == RIA_MARK_FAULT) {
            begin += strlen("FAILED");
            begin += strspn(begin, " ");
        }
        ria_report_add(
            facts->report,
            mark,
            label,
            NULL,
            "%s",
            *begin == '\0' ? "cannot be used; see credentials below" : begin);
    }
}

static void add_trail(struct ria_facts *facts, const char *explanation)
{
    while (*explanation != '\0') {
        size_t len = strcspn(explanation, "\n");
        add_line(facts, explanation, len);
        explanation += len + (explanation[len] == '\n' ? 1 : 0);
    }
}

static void add_expiry(struct ria_facts *facts)
{
    int64_t now = facts->world->now(facts->world->self);
    int64_t left = facts->expires - now;
    if (facts->expires == 0) {
        ria_report_add(facts->report, RIA_MARK_OK, "expiry", NULL, "without an expiry time");
    } else if (left < TOKEN_SECONDS) {
        ria_report_add(
            facts->report,
            RIA_MARK_WARNING,
            "expiry",
            "A token is valid only as long as its credentials. Renew them.",
            "the credentials expire in %" PRId64 " min",
            left / 60);
    } else {
        ria_report_add(facts->report, RIA_MARK_OK, "expiry", NULL, "in %" PRId64 " min", left / 60);
    }
}

static void add_caller_item(struct ria_facts *facts)
{
    struct ria_deadline deadline = ria_deadline_in(facts->world, BUDGET_MS);
    enum ria_outcome outcome = ria_session_identity(
        &facts->target.login, deadline, facts->world, &facts->identity, &facts->identity_error);
    facts->has_identity = outcome == RIA_FOUND;
    if (facts->has_identity) {
        ria_report_add(facts->report, RIA_MARK_OK, "identity", NULL, "%s", facts->identity.arn);
        return;
    }
    bool is_refused = strncmp(facts->identity_error.text, "STS rejects", 11) == 0 ||
                      strstr(facts->identity_error.text, ": STS rejects") != NULL;
    ria_report_add(
        facts->report,
        is_refused ? RIA_MARK_FAULT : RIA_MARK_SKIPPED,
        "identity",
        is_refused ? NULL : "The login below shows whether the credentials work.",
        "%s",
        facts->identity_error.text);
}

static void add_clock(struct ria_facts *facts)
{
    const struct ria_identity *identity = &facts->identity;
    int64_t off = identity->difference < 0 ? -identity->difference : identity->difference;
    bool is_refused = identity->difference >= CLOCK_BEHIND || identity->difference <= -CLOCK_AHEAD;
    const char *direction = identity->difference > 0 ? "behind" : "ahead of";
    if (!identity->has_difference) {
        ria_report_add(
            facts->report, RIA_MARK_SKIPPED, "clock", NULL, "STS did not report its time");
    } else if (off <= CLOCK_GOOD) {
        ria_report_add(
            facts->report, RIA_MARK_OK, "clock", NULL, "within %" PRId64 " s of AWS's", off + 1);
    } else {
        ria_report_add(
            facts->report,
            is_refused ? RIA_MARK_FAULT : RIA_MARK_WARNING,
            "clock",
            "Set the clock: timedatectl set-ntp true",
            "%" PRId64 " s %s AWS's",
            off,
            direction);
    }
}

void ria_check_credentials(struct ria_facts *facts)
{
    RIA_AUTO(session) session = RIA_SESSION_INIT;
    struct ria_deadline deadline = ria_deadline_in(facts->world, BUDGET_MS);
    ria_report_section(facts->report, "Credentials");
    if (!facts->has_name) {
        /* The credentials depend on the host, because the host selects the section of the
         * configuration. */
        ria_report_add(
            facts->report,
            RIA_MARK_SKIPPED,
            "credentials",
            NULL,
            "not checked, because no token can be signed for this host");
        facts->credentials = RIA_ABSENT;
        return;
    }
    int64_t begun = ria_check_clock();
    facts->credentials = ria_session_for(
        &facts->target.login, NULL, deadline, facts->world, &session, &facts->credentials_error);
    facts->times.us[RIA_PHASE_CREDENTIALS] = ria_check_clock() - begun;
    facts->expires = session.expires;
    if (session.explanation.len > 0) {
        add_trail(facts, session.explanation.data);
    }
    if (facts->credentials != RIA_FOUND) {
        ria_report_add(
            facts->report,
            facts->is_agent_running ? RIA_MARK_WARNING : RIA_MARK_FAULT,
            "credentials",
            facts->is_agent_running ? "The agent may have others: rds-iam-agent --status" : NULL,
            "%s",
            facts->credentials_error.text);
        return;
    }
    ria_check_time_signature(facts);
    add_expiry(facts);
    add_caller_item(facts);
    add_clock(facts);
}
