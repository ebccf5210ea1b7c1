/* SPDX-License-Identifier: MIT
 *
 * The rules of rds-iam lint: libpq's rules for lines and settings, and the rules for a service with
 * a passfile. These functions add to the checks of ria_entry_check() and of the index
 * (service/index.h). Each function adds its findings to *findings.
 */
#ifndef RIA_TOOL_LINT_RULES_H
#define RIA_TOOL_LINT_RULES_H

#include "tool/finding.h"

#include "service/entry.h"

/* Checks the form of a file's lines: length, blanks, byte order mark. */
void ria_lint_lines(const char *path, const struct ria_world *world, struct ria_findings *findings);

/* Checks each setting of one service. */
void ria_lint_settings(
    const struct ria_service_file *file,
    const struct ria_service *service,
    struct ria_findings *findings);

/* Checks a service that has a passfile: passfile, hosts, sslrootcert, gssencmode, and environment
 * variables that override it. */
void ria_lint_passfile(
    const struct ria_entry *entry, const struct ria_world *world, struct ria_findings *findings);

#endif
