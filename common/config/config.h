/* SPDX-License-Identifier: MIT
 *
 * rds-iam's own configuration file. For each address that a client connects to, it can name an
 * RDS endpoint, an AWS profile and a role.
 *
 *   [prod.cluster-abc.eu-west-1.rds.amazonaws.com]     the name of a section: host, host:port,
 *                                                      user@host or user@host:port
 *   profile = etl                                      AWS profile to sign with
 *   region  = eu-west-1                                needed only if the name contains no region
 *   aws_cli_cache       = read                         use role credentials that the AWS CLI cached
 *   cache_credential_process = yes                     cache the output of the command; see below
 *   role_arn            = arn:aws:iam::123456789012:role/rds-access
 *                                                      assumed with the credentials of the profile
 *                                                      or of the chain
 *   external_id         = ...                          this and the next five keys need role_arn
 *   role_session_name   = etl
 *   duration_seconds    = 3600
 *   session_tags        = team=etl, env=prod           the role's trust policy must also
 *                                                      allow sts:TagSession
 *   transitive_tag_keys = team
 *   source_identity     = jane
 *
 *   [*.eu-west-1.rds.amazonaws.com]                    "*." matches one or more labels
 *   profile = eu
 *
 *   [127.0.0.1:13306]                                  a tunnel, an alias, a load balancer
 *   endpoint = prod.cluster-abc.eu-west-1.rds.amazonaws.com:3306
 *   tls      = verify-ca                               the default is verify-full
 *
 * tls = verify-ca is for a client that verifies the server's certificate against a CA but cannot
 * verify the host name. The section must also contain `endpoint`, or its name must be the name of
 * an RDS endpoint. A section with a wildcard can contain neither `endpoint` nor `tls`. With
 * verify-ca, the token is sent to any server that has a certificate of that CA. If the CA is the
 * RDS bundle, the token is sent to any RDS database that the host name resolves to.
 *
 * role_arn, external_id, role_session_name and source_identity are rejected if they contain quotes,
 * spaces or a placeholder (aws/identifier.h).
 *
 * cache_credential_process = yes (default: no) is for a credential_process that takes longer than
 * the 10 s of a login. The output of the command is cached only in a file below $XDG_RUNTIME_DIR.
 * `rds-iam credentials` lets the command run for 60 s; after one such run, the plugins can log in.
 * A cache entry is used only for the same command, settings file, profile, AWS_* variables and
 * HOME, and only until 15 minutes before the Expiration in the command's output. Output without an
 * Expiration is not cached. While an entry can be used, rds-iam does not run the command, and does
 * not notice if the command would now print the keys of another identity. To delete the cache
 * entries, run `rds-iam credentials --clear`. `rds-iam credentials --profile NAME` without a host
 * uses the setting of the first section that has this profile and cache_credential_process = yes.
 *
 * If RDS_IAM_CONFIG is set, only the file that it names is read. Otherwise the files are
 * $XDG_CONFIG_HOME/rds-iam/config (default ~/.config/rds-iam/config), then /etc/rds-iam/config. The
 * first matching section is used. A file must belong to root or the user, and no other user may be
 * able to write it (base/trust.h), because the file decides which token is sent to which address.
 * All sections are checked when the file is read, including sections that do not match the login. A
 * file has at most 10,000 sections.
 *
 * A process caches a file, and reads it again only after it has changed (config/config_copy.h).
 */
#ifndef RIA_CONFIG_CONFIG_H
#define RIA_CONFIG_CONFIG_H

#include "config/section.h"

enum {
    RIA_CONFIG_FILES = 2
};

struct ria_config_file;

/* The loaded files. Each member of `file` is a counted reference to a parsed file. */
struct ria_config {
    struct ria_config_file *file[RIA_CONFIG_FILES];
    size_t count;
};

/* Reads the existing files; there may be none. Returns false with err filled on failure. *out must
 * be zeroed, and is released with ria_config_release(). */
bool ria_config_load(const struct ria_world *world, struct ria_config *out, struct ria_error *err)
    RIA_MUST_USE;

/* Appends the path of the file that the user edits, in its short form: the value of RDS_IAM_CONFIG,
 * or "~/.config/rds-iam/config". The file need not exist. */
void ria_config_add_name(const struct ria_world *world, struct ria_buf *out);

/* Fills *out with the values of the first section that matches a connection. *out borrows from
 * *config. If no section matches, *out is zeroed. */
void ria_config_match(
    const struct ria_config *config,
    const char *host,
    uint16_t port,
    const char *user,
    struct ria_section *out);

/* Returns whether a section with this profile has cache_credential_process = yes. This function is
 * for a command that names a profile and no host. A section without a profile belongs to `active`,
 * the profile that is used if none is named. If there are such sections, *out is the setting of the
 * first one; else *out is unchanged. */
bool ria_config_caches_process(
    const struct ria_config *config,
    const char *profile,
    const char *active,
    struct ria_setting *out);

/* Releases the references and zeroes *config. */
void ria_config_release(struct ria_config *config);

#endif
