/* SPDX-License-Identifier: MIT
 *
 * What the files of `rds-iam lint` offer one another: findings, each with its place.
 */
#ifndef RIA_TOOL_LINT_H
#define RIA_TOOL_LINT_H

#include "service/entry.h"

enum ria_finding {
    RIA_FINDING_ERROR,   /* libpq refuses it, or no token goes to it */
    RIA_FINDING_WARNING, /* some versions of libpq do, or it means something else than it seems */
};

struct ria_lint {
    const struct ria_world *world;
    struct ria_buf text; /* a line for each finding */
    unsigned errors;
    unsigned warnings;
};

/* Adds "PATH:LINE: error: TEXT". Line 0: the file as a whole. */
void ria_lint_add(
    struct ria_lint *lint,
    enum ria_finding kind,
    const char *path,
    unsigned line,
    const char *format,
    ...) __attribute__((format(printf, 5, 6)));

/* The rules of a file's lines, whatever they mean: length, blanks, byte order mark. */
void ria_lint_lines(struct ria_lint *lint, const char *path);

/* The rules of one service: its settings, one by one. */
void ria_lint_settings(
    struct ria_lint *lint, const struct ria_service_file *file, const struct ria_service *service);

/* The rules of a service that has a passfile, beyond those of ria_entry_check(). */
void ria_lint_passfile(struct ria_lint *lint, const struct ria_entry *entry);

#endif
