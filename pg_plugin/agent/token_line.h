/* SPDX-License-Identifier: MIT
 *
 * Makes the token of one line, says in the log what keeps it from it, and when to try again. What
 * was made and refused last is kept for --status, without any token.
 */
#ifndef RIA_AGENT_TOKEN_LINE_H
#define RIA_AGENT_TOKEN_LINE_H

#include "agent/agent.h"
#include "agent/entries.h"

enum {
    RIA_TOKEN_LINE_SOURCES = 8,
};

struct ria_token_line_maker {
    struct ria_agent *agent;
    uint64_t made;
    int64_t last_made; /* 0: never */
    char last_line[512];
    int64_t last_refused;
    char last_error[2 * RIA_ERROR_TEXT_MAX];
    struct {
        char name[256];
        int64_t expires;               /* 0: they do not say */
    } sources[RIA_TOKEN_LINE_SOURCES]; /* credentials that signed, the newest first */
    uint64_t cause;                    /* hash of the last sentence without its place */
    unsigned repeated;                 /* how many lines said it since */
};

enum ria_token_line_result {
    RIA_TOKEN_LINE_MADE,
    RIA_TOKEN_LINE_REFUSED,
    RIA_TOKEN_LINE_PENDING, /* its credentials are being fetched */
};

/* Appends the passfile line to *out, or where that is NULL only tries: that fetches credentials
 * ahead of need. */
enum ria_token_line_result ria_token_line_make(
    struct ria_token_line_maker *maker, struct ria_line *line, struct ria_buf *out);

#endif
