/* SPDX-License-Identifier: MIT
 *
 * Makes the token of one line, logs an error, and decides when to try again. Stores a description
 * of the last token, and the last error, for --status. Stores no token.
 */
#ifndef RIA_AGENT_TOKEN_LINE_H
#define RIA_AGENT_TOKEN_LINE_H

#include "agent/agent.h"
#include "agent/entries.h"

enum {
    RIA_TOKEN_LINE_SOURCES = 8,
};

/* The state of all attempts. The caller zeroes it, sets `agent`, and releases `failures`. */
struct ria_token_line_maker {
    struct ria_agent *agent;
    uint64_t made;     /* the number of tokens made */
    int64_t last_made; /* seconds since 1970; 0: never */
    char last_line[512];
    int64_t last_refused;
    char last_error[2 * RIA_ERROR_TEXT_MAX];
    struct ria_failures failures; /* owned: the last failure of each line */
    struct {
        char name[256];
        int64_t expires;               /* seconds since 1970; 0: unknown */
    } sources[RIA_TOKEN_LINE_SOURCES]; /* the credentials used last, the newest first */
    uint64_t cause;                    /* hash of the last error, without file and line */
    unsigned repeated;                 /* how many more lines have failed with that error */
};

enum ria_token_line_result {
    RIA_TOKEN_LINE_MADE,
    RIA_TOKEN_LINE_REFUSED,
    RIA_TOKEN_LINE_PENDING, /* its credentials are being fetched */
};

/* Makes the token of a line and appends the passfile line to *out. If out is NULL, makes the token
 * but appends nothing, so that credentials are fetched before a client needs them. Updates the
 * line's state and line->retry_at. */
enum ria_token_line_result ria_token_line_make(
    struct ria_token_line_maker *maker, struct ria_line *line, struct ria_buf *out);

#endif
