/* SPDX-License-Identifier: MIT
 *
 * RDS_IAM_LOG and the format of log lines, for every component: the plugins, the preloads, the
 * agent, rds-iam-fetch and rds-iam.
 *
 *   RDS_IAM_LOG=LEVEL[:FILE]
 *
 *   LEVEL   warning   a problem, or a login without a token, unless the client library reports it
 *           info      also each decision and its reason; "1" means the same
 *           debug     also each step that leads to a decision: files, caches, rds-iam-fetch, tokens
 *           Upper and lower case do not matter. Empty or "0": no log. Any other word means info,
 *           and a warning names the three levels.
 *   FILE    an absolute path. Without it, the log goes to stderr (os/guest_log.h).
 *
 * On stderr, a line has the first of these two forms. In a file, it has the second form:
 *
 *   rds-iam: [warning: |debug: ]TEXT
 *   TIME rds-iam[PID] PROGRAM LEVEL: TEXT
 *
 * A text contains no secret, no token and no whole URL. Needs only libc. Reads no environment
 * variable and writes nothing; os/guest_log.h does both.
 */
#ifndef RIA_BASE_LOG_LINE_H
#define RIA_BASE_LOG_LINE_H

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

/* A log of one level also contains the lines of the levels that are listed before this level. */
enum ria_log_level {
    RIA_LOG_WARNING, /* a problem that the user should know; the operation usually continues */
    RIA_LOG_INFO,    /* a decision and its reason */
    RIA_LOG_DEBUG,   /* a step that led to a decision */
    RIA_LOG_LEVELS,
};

enum {
    /* The maximum size of a text: an error's text, and as much again for the words around it. */
    RIA_LOG_LINE_MAX = 2 * RIA_ERROR_TEXT_MAX,
    RIA_LOG_PROGRAM_MAX = 32,
    /* The size of a whole line: a text, and before it the time, process, program and level. */
    RIA_LOG_WHOLE_MAX = RIA_LOG_LINE_MAX + 128,
};

/* A parsed value of RDS_IAM_LOG. */
struct ria_log_setting {
    bool is_on;
    enum ria_log_level level;
    const char *path;      /* an absolute path, borrowed from the value; NULL: stderr */
    bool is_unknown_level; /* the word is not a level, so the level is info */
    bool is_relative_path; /* the value has a FILE that is not an absolute path; this FILE is
                              ignored */
};

/* Parses a value of RDS_IAM_LOG, which may be NULL. Returns out->is_on. */
bool ria_log_setting_parse(const char *value, struct ria_log_setting *out);

/* The messages about an invalid value, with the value as their argument. */
#define RIA_LOG_UNKNOWN_LEVEL                                                                      \
    "RDS_IAM_LOG=%.64s: the level is not one of warning, info and debug, so info is used; "        \
    "correct it"
#define RIA_LOG_RELATIVE_PATH                                                                      \
    "RDS_IAM_LOG=%.200s: the file is not an absolute path, so the log goes to stderr; write "      \
    "LEVEL:/PATH"

struct ria_log_line {
    const char *program; /* in the form for a file, the name of the program; in the form for stderr,
                            the word before the first colon */
    enum ria_log_level level;
    const char *text; /* without a newline; its control characters are replaced */
    int64_t now;      /* seconds since 1970; only the form for a file contains it */
    pid_t pid;        /* only the form for a file contains it */
};

/* These functions write a line, with its newline, in the form for stderr and in the form for a
 * file. A text that is too long is cut. The program's name is cut before its first character that
 * is not a letter, a digit or one of "._+-", because a program may have overwritten its argv[0]
 * with a title. Both functions return the length of the line. */
size_t ria_log_line_for_stderr(const struct ria_log_line *line, char out[RIA_LOG_WHOLE_MAX]);
size_t ria_log_line_for_file(const struct ria_log_line *line, char out[RIA_LOG_WHOLE_MAX]);

#endif
