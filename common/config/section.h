/* SPDX-License-Identifier: MIT
 *
 * What one section of rds-iam's configuration file says: the profile and role to sign with, and
 * what the dialled address stands for. Keys and values are checked here; sections and files are
 * config.h's.
 */
#ifndef RIA_CONFIG_SECTION_H
#define RIA_CONFIG_SECTION_H

#include "aws/endpoint.h"
#include "aws/plan.h"

/* What a section says. Borrowed from the document. */
struct ria_section {
    struct ria_setting profile;
    struct ria_setting region;
    struct ria_setting endpoint;
    struct ria_setting tls;
    struct ria_setting cli_cache;     /* aws_cli_cache; set only where it is "read" */
    struct ria_setting process_cache; /* cache_credential_process; set only where it is "yes" */
    struct ria_role role;             /* without RIA_ROLE_ARN: none */
    struct ria_endpoint signed_for;   /* where endpoint is set: its host, and its port */
    uint16_t signed_for_port;
    bool chain_suffices; /* tls = verify-ca */
};

/* Takes one entry of a section. False with err filled: "path:line: ...", for an unknown key or a
 * value that it cannot have. */
bool ria_section_take(
    const char *path,
    const struct ria_ini_entry *entry,
    struct ria_section *section,
    struct ria_error *err) RIA_MUST_USE;

#endif
