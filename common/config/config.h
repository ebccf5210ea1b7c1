/* SPDX-License-Identifier: MIT
 *
 * rds-iam's own configuration file. For each address that a client connects to, the file can name
 * an RDS endpoint, an AWS profile and a role. Its manual is the page rds-iam.conf(5),
 * config/rds-iam.conf.5.scd.
 *
 * If RDS_IAM_CONFIG is set, only the file that it names is read. Otherwise the files are
 * $XDG_CONFIG_HOME/rds-iam/config (default ~/.config/rds-iam/config), then /etc/rds-iam/config. The
 * first matching section is used. A file must belong to root or the user, and no other user may be
 * able to write the file (base/trust.h). The reason: the file decides which token is sent to which
 * address. All sections are checked when the file is read, including sections that do not match the
 * login. A file has at most 10,000 sections.
 *
 * A process caches a file until the file changes (config/config_copy.h).
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

/* Reads the files. The files at the default paths may be missing; a file that RDS_IAM_CONFIG names
 * must exist. Returns false with err filled on failure. *out must be zeroed, and is released with
 * ria_config_release(). */
bool ria_config_load(const struct ria_world *world, struct ria_config *out, struct ria_error *err)
    RIA_MUST_USE;

/* Like ria_config_load(), for a caller that knows the effective user already. */
bool ria_config_load_as(
    const struct ria_world *world, uid_t user, struct ria_config *out, struct ria_error *err)
    RIA_MUST_USE;

/* Appends the path of the file that the user edits, in its short form: the value of RDS_IAM_CONFIG
 * if it is set, else the path of the user's own file ("~/.config/rds-iam/config"). The file need
 * not exist. */
void ria_config_add_name(const struct ria_world *world, struct ria_buf *out);

/* Fills *out with the values of the first section that matches a connection. *out borrows from
 * *config. If no section matches, *out is zeroed. */
void ria_config_match(
    const struct ria_config *config,
    const char *host,
    uint16_t port,
    const char *user,
    struct ria_section *out);

/* Returns true if the files have sections, but none matches the connection. In this case, sets *out
 * to the name and the place of one section. If a section names a domain of the host without the
 * wildcard "*.", such as [example.com] for db.example.com, sets *out to the first such section and
 * *is_domain to true. Otherwise, sets *out to the first section and *is_domain to false. */
bool ria_config_has_other(
    const struct ria_config *config,
    const char *host,
    uint16_t port,
    const char *user,
    struct ria_setting *out,
    bool *is_domain);

/* Returns whether a section that names `profile` has cache_credential_process = yes. A section that
 * names no profile counts as a section that names `active`, the profile that is used by default.
 * Sets *out to the setting in the first section that qualifies. If no section qualifies, *out is
 * unchanged. This function is for a command that names a profile and no host. */
bool ria_config_caches_process(
    const struct ria_config *config,
    const char *profile,
    const char *active,
    struct ria_setting *out);

/* Releases the references and zeroes *config. */
void ria_config_release(struct ria_config *config);

#endif
