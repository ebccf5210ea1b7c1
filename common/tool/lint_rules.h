/* SPDX-License-Identifier: MIT
 *
 * The rules of rds-iam lint: libpq's rules for lines and settings, and the rules for a service with
 * a passfile. ria_entry_check() and the index (service/index.h) make further checks. Each function
 * adds its findings to *findings.
 */
#ifndef RIA_TOOL_LINT_RULES_H
#define RIA_TOOL_LINT_RULES_H

#include "tool/finding.h"

#include "service/entry.h"

/* Checks the form of each line of a file: length, blanks at the end, byte order mark, section name
 * without "]". */
void ria_lint_lines(const char *path, const struct ria_world *world, struct ria_findings *findings);

/* Checks each setting of one service. */
void ria_lint_settings(
    const struct ria_service_file *file,
    const struct ria_service *service,
    struct ria_findings *findings);

/* Checks a service that has no passfile. In *entry, the passfile is NULL, and the user is the one
 * as which libpq will log in. */
void ria_lint_no_passfile(
    const struct ria_entry *entry, const struct ria_world *world, struct ria_findings *findings);

/* Checks a service that has a passfile: the passfile, hosts, sslrootcert, gssencmode, and
 * environment variables that override the service's settings or use its passfile. */
void ria_lint_passfile(
    const struct ria_entry *entry, const struct ria_world *world, struct ria_findings *findings);

#endif
