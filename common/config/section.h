/* SPDX-License-Identifier: MIT
 *
 * Parses the keys of one section of rds-iam's configuration file: the profile and the role to sign
 * with, and the RDS endpoint to which the address leads. This module checks keys and values;
 * config.c finds sections and reads files.
 */
#ifndef RIA_CONFIG_SECTION_H
#define RIA_CONFIG_SECTION_H

#include "aws/endpoint.h"
#include "aws/plan.h"

/* The values of a section. A key that is not set has the value NULL. Strings are borrowed from the
 * parsed file. */
struct ria_section {
    struct ria_setting place; /* the name of the section, and its line */
    struct ria_setting profile;
    struct ria_setting region;
    struct ria_setting endpoint;
    struct ria_setting tls;
    struct ria_setting cli_cache;     /* aws_cli_cache; set only if it is "read" */
    struct ria_setting process_cache; /* cache_credential_process; set only if it is "yes" */
    struct ria_role role;             /* no role if RIA_ROLE_ARN is not set */
    struct ria_endpoint signed_for;   /* the host in `endpoint`, if that key is set */
    uint16_t signed_for_port;         /* the port in `endpoint`, if that key is set */
    bool chain_suffices;              /* tls = verify-ca */
};

/* Parses one entry of a section and stores its value. Returns false with err filled ("path:line:
 * ...") for an unknown key and for an invalid value. */
bool ria_section_parse(
    const char *path,
    const struct ria_ini_entry *entry,
    struct ria_section *section,
    struct ria_error *err) RIA_MUST_USE;

#endif
