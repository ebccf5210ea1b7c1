/* SPDX-License-Identifier: MIT
 *
 * The rules of rds-iam lint: those of libpq for lines and settings, and those of a service that has
 * a passfile, beyond what ria_entry_check() and the index (service/index.h) refuse.
 */
#ifndef RIA_TOOL_LINT_RULES_H
#define RIA_TOOL_LINT_RULES_H

#include "tool/finding.h"

#include "service/entry.h"

/* The rules of a file's lines, whatever they mean: length, blanks, byte order mark. */
void ria_lint_lines(const char *path, const struct ria_world *world, struct ria_findings *findings);

/* The rules of one service: its settings, one by one. */
void ria_lint_settings(
    const struct ria_service_file *file,
    const struct ria_service *service,
    struct ria_findings *findings);

/* The rules of a service that has a passfile. */
void ria_lint_passfile(
    const struct ria_entry *entry, const struct ria_world *world, struct ria_findings *findings);

#endif
