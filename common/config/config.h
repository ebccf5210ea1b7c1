/* SPDX-License-Identifier: MIT
 *
 * rds-iam's own configuration file: what a dialled address stands for.
 *
 *   [prod.cluster-abc.eu-west-1.rds.amazonaws.com]     host, host:port, user@host, user@host:port
 *   profile = etl                                      AWS profile to sign with
 *   region  = eu-west-1                                where the name does not say it
 *   aws_cli_cache       = read                         role credentials that the AWS CLI has kept
 *   cache_credential_process = yes                     what a credential_process prints, see below
 *   role_arn            = arn:aws:iam::123456789012:role/rds-access
 *                                                      assumed with what the profile or chain gives
 *   external_id         = ...                          these need role_arn:
 *   role_session_name   = etl
 *   duration_seconds    = 3600
 *   session_tags        = team=etl, env=prod           the role must trust sts:TagSession too
 *   transitive_tag_keys = team
 *   source_identity     = jane
 *
 *   [*.eu-west-1.rds.amazonaws.com]                    "*." stands for one or more labels
 *   profile = eu
 *
 *   [127.0.0.1:13306]                                  a tunnel, an alias, a load balancer
 *   endpoint = prod.cluster-abc.eu-west-1.rds.amazonaws.com:3306
 *   tls      = verify-ca                               verify-full is the default
 *
 * tls = verify-ca is for a client that checks the server's certificate against a CA and cannot
 * check its name. It stands beside `endpoint`, or, without it, in a section whose name is the name
 * of an RDS endpoint. A section with a wildcard has neither. With it the token goes to any server
 * that has a certificate of that CA: with the RDS bundle, to any RDS database that the name leads
 * to.
 *
 * role_arn, external_id, role_session_name and source_identity are refused with quotes, blanks or a
 * placeholder in them (aws/identifier.h).
 * cache_credential_process = yes (default: no) is for a credential_process that is slower than the
 * 10 s of a login. What it prints is then cached in a file below $XDG_RUNTIME_DIR, and nowhere
 * else: one `rds-iam credentials`, which has 60 s, lets the hooks log in. An entry counts for the
 * same command, file, profile, AWS_* variables and HOME, and until 15 minutes before the Expiration
 * that the command has printed. Without an Expiration nothing is cached. The command is not asked
 * whether it would print another identity by now: `rds-iam credentials --clear` forgets what is
 * cached. Where `rds-iam credentials` is run without a login, the setting counts if a section of
 * the same profile has it.
 *
 * Read from $XDG_CONFIG_HOME/rds-iam/config (~/.config/rds-iam/config), then /etc/rds-iam/config,
 * or from the one file that RDS_IAM_CONFIG names. The first section that matches wins. A file must
 * belong to root or the user, and nobody else may be able to write it (base/trust.h has the rule):
 * it decides whose token goes to which address. Everything in it is checked when it is read, also
 * what does not match. It has at most 10,000 sections.
 *
 * A process that lives reads a file once for each change of it (config/config_copy.h).
 */
#ifndef RIA_CONFIG_CONFIG_H
#define RIA_CONFIG_CONFIG_H

#include "config/section.h"

enum {
    RIA_CONFIG_FILES = 2
};

struct ria_config_file;

/* Borrows nothing: each file is a share in what was read. */
struct ria_config {
    struct ria_config_file *file[RIA_CONFIG_FILES];
    size_t count;
};

/* Reads the files that there are. True also if there are none. False with err filled. *out must be
 * zeroed. */
bool ria_config_load(const struct ria_world *world, struct ria_config *out, struct ria_error *err)
    RIA_MUST_USE;

/* Appends the name of the file that a person would write into, as people say it: the one that
 * RDS_IAM_CONFIG names, or "~/.config/rds-iam/config". It need not exist. */
void ria_config_add_name(const struct ria_world *world, struct ria_buf *out);

/* The section for what is dialled; a zeroed *out if none matches. *out borrows from *config. */
void ria_config_match(
    const struct ria_config *config,
    const char *host,
    uint16_t port,
    const char *user,
    struct ria_section *out);

/* Whether a section of this profile has cache_credential_process = yes, for a person who names a
 * profile and no login. A section without a profile is one of `active`, the profile that counts
 * where none is named. *out is then the first such line. */
bool ria_config_caches_process(
    const struct ria_config *config,
    const char *profile,
    const char *active,
    struct ria_setting *out);

void ria_config_release(struct ria_config *config);

#endif
