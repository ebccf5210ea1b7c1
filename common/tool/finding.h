/* SPDX-License-Identifier: MIT
 *
 * What rds-iam lint finds: a line of text for each finding, with its place, and how many there are.
 */
#ifndef RIA_TOOL_FINDING_H
#define RIA_TOOL_FINDING_H

#include "rds_iam.h"

enum ria_finding {
    RIA_FINDING_ERROR,   /* libpq refuses it, or no token goes to it */
    RIA_FINDING_WARNING, /* some versions of libpq do, or it means something else than it seems */
};

struct ria_findings {
    struct ria_buf text;
    unsigned errors;
    unsigned warnings;
};

/* Adds "PATH:LINE: error: TEXT". Line 0: the file as a whole. */
void ria_finding_add(
    struct ria_findings *findings,
    enum ria_finding kind,
    const char *path,
    unsigned line,
    const char *format,
    ...) __attribute__((format(printf, 5, 6)));

/* Adds an error whose text begins with its place, as those of the readers of service files do. */
void ria_finding_add_error(struct ria_findings *findings, const struct ria_error *err);

#endif
