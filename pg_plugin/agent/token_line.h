/* SPDX-License-Identifier: MIT
 *
 * Makes the token of a passfile line: the token for one user at one host and port. Logs each new
 * error, and decides when to try again. Stores a description of the last token and the errors for
 * --status. Stores no token.
 */
#ifndef RIA_AGENT_TOKEN_LINE_H
#define RIA_AGENT_TOKEN_LINE_H

#include "agent/agent.h"
#include "agent/entries.h"

enum {
    RIA_TOKEN_LINE_SOURCES = 8,
};

/* The state of all attempts. The caller zeroes it, sets `agent`, and releases `failures`. Times are
 * seconds since 1970. */
struct ria_token_line_maker {
    struct ria_agent *agent;
    uint64_t appended;     /* the number of tokens that were appended for a client */
    int64_t last_appended; /* 0: never */
    struct {
        char service[104];
        char user[104];
        char host[204];
        char port[8];
    } last_line;                  /* the line whose token was appended last; a long text is cut */
    struct ria_failures failures; /* owned: the last failure of up to RIA_REFUSALS_MAX lines */
    /* The sources whose credentials signed the latest tokens, in the order of their last use: the
     * source used last is the first element. */
    struct {
        char name[256];
        int64_t expires; /* 0: the source reports no time */
    } sources[RIA_TOKEN_LINE_SOURCES];
    uint64_t cause;    /* a hash of the last new error's text, which does not name the line; 0: a
                          token was made after this error */
    unsigned rejected; /* how many of the present lines were logged because of is_rejected */
    unsigned repeated; /* how many lines have failed with the error of `cause` in succession, after
                          the first one */
};

enum ria_token_line_result {
    RIA_TOKEN_LINE_MADE,
    RIA_TOKEN_LINE_FAILED,
    RIA_TOKEN_LINE_PENDING, /* the credentials of the line are being fetched */
};

/* Makes the token of a line and appends the passfile line to *out. If out is NULL, makes the token
 * but appends nothing, so that credentials are fetched before a client needs them. Updates the
 * line's state and line->retry_at. */
enum ria_token_line_result ria_token_line_make(
    struct ria_token_line_maker *maker, struct ria_line *line, struct ria_buf *out);

enum {
    RIA_TOKEN_LINE_ERROR_SIZE = 2 * RIA_ERROR_TEXT_MAX
};

/* Finds the newest error among the lines that have no token. Writes a description with the
 * service's file and line to `out`. Returns the time of the error, or 0 if no such line has an
 * error.
 */
int64_t ria_token_line_find_error(
    const struct ria_token_line_maker *maker,
    const struct ria_entries *entries,
    char out[RIA_TOKEN_LINE_ERROR_SIZE]);

#endif
