/* SPDX-License-Identifier: MIT
 *
 * The time of each phase of a login, in microseconds. rds-iam-probe measured the times for the
 * name, TCP and TLS before the login. The server's verdict is the phase in which the server checks
 * the token. Its time is the time of the login minus the times for the name, TCP, TLS and the
 * signature. */
#include "check/facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum {
    US_PER_SECOND = 1000000,
    NS_PER_US = 1000,
    SIGNATURE_MS = 5000,
};

int64_t ria_check_clock(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / NS_PER_US;
}

void ria_check_time_signature(struct ria_facts *facts)
{
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    struct ria_error err;
    struct ria_world quiet = *facts->world;
    quiet.log = NULL; /* the warnings have been logged before */
    int64_t begun = ria_check_clock();
    enum ria_outcome outcome = ria_token_for(
        &facts->target.login, ria_deadline_in(&quiet, SIGNATURE_MS), &quiet, &token, &err);
    if (outcome == RIA_FOUND) {
        facts->times.us[RIA_PHASE_SIGNATURE] = ria_check_clock() - begun;
    }
}

void ria_check_take_times(struct ria_facts *facts)
{
    static const struct {
        enum ria_phase phase;
        const char *name; /* of the probe's value */
    } rows[] = {{RIA_PHASE_NAME, "dns_us"}, {RIA_PHASE_TCP, "tcp_us"}, {RIA_PHASE_TLS, "tls_us"}};
    int64_t *us = facts->times.us;
    us[RIA_PHASE_LOGIN] = ria_probe_number(&facts->attempt, "login_us", RIA_TIME_UNKNOWN);
    int64_t rest = us[RIA_PHASE_LOGIN];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        us[rows[i].phase] = ria_probe_number(&facts->server, rows[i].name, RIA_TIME_UNKNOWN);
        rest -= us[rows[i].phase] > 0 ? us[rows[i].phase] : 0;
    }
    rest -= us[RIA_PHASE_SIGNATURE] > 0 ? us[RIA_PHASE_SIGNATURE] : 0;
    if (us[RIA_PHASE_LOGIN] >= 0 && us[RIA_PHASE_TLS] >= 0) {
        us[RIA_PHASE_VERDICT] = rest > 0 ? rest : 0;
    }
}

/* Adds one item that contains all known times. */
void ria_check_add_times(struct ria_facts *facts)
{
    static const char *const labels[] = {
        [RIA_PHASE_NAME] = "name",
        [RIA_PHASE_TCP] = "TCP",
        [RIA_PHASE_TLS] = "TLS",
        [RIA_PHASE_CREDENTIALS] = "credentials",
        [RIA_PHASE_SIGNATURE] = "signature",
        [RIA_PHASE_VERDICT] = "server's verdict",
        [RIA_PHASE_LOGIN] = "the whole login",
    };
    RIA_AUTO(buf) text = {.max = RIA_REPORT_TEXT_MAX};
    for (size_t i = 0; i < RIA_PHASES; i++) {
        if (facts->times.us[i] != RIA_TIME_UNKNOWN) {
            ria_buf_addf(
                &text,
                "%s%s %.1f ms",
                text.len > 0 ? ", " : "",
                labels[i],
                (double)facts->times.us[i] / RIA_US_PER_MS);
        }
    }
    const char *whole = ria_buf_text(&text);
    if (whole != NULL && facts->times.us[RIA_PHASE_LOGIN] != RIA_TIME_UNKNOWN) {
        ria_report_add(facts->report, RIA_MARK_NOTE, "times", NULL, "%s", whole);
    }
}
