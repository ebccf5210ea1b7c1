/* SPDX-License-Identifier: MIT
 *
 * The findings of rds-iam lint: one line of text for each finding, with file and line number, and
 * the number of errors and warnings.
 */
#ifndef RIA_TOOL_FINDING_H
#define RIA_TOOL_FINDING_H

#include "rds_iam.h"

enum ria_finding {
    RIA_FINDING_ERROR,   /* libpq rejects the service, or the service gets no token */
    RIA_FINDING_WARNING, /* anything else that the user should know, such as a setting that some
                            versions of libpq reject, or that libpq takes in another meaning */
};

struct ria_findings {
    struct ria_buf text;
    unsigned errors;
    unsigned warnings;
};

/* Adds "PATH:LINE: error: TEXT" or "PATH:LINE: warning: TEXT". If `line` is 0, the finding is about
 * the whole file, and the text has no line number. */
void ria_finding_add(
    struct ria_findings *findings,
    enum ria_finding kind,
    const char *path,
    unsigned line,
    const char *format,
    ...) __attribute__((format(printf, 5, 6)));

/* Adds an error of the parser of service files, whose text begins with "PATH:LINE: ". */
void ria_finding_add_error(struct ria_findings *findings, const struct ria_error *err);

#endif
