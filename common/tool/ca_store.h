/* SPDX-License-Identifier: MIT
 *
 * The store of CA certificates that `rds-iam setup ca` fills and `rds-iam exec` uses: two PEM files
 * in one directory. A certificate of RDS's own roots says "a server of RDS"; a certificate of a
 * public root says nothing about whose server it is unless its name is checked, so the two are
 * never in one file.
 *
 *   rds-ca.pem          the roots of Amazon RDS: instances and clusters
 *   rds-ca-public.pem   Amazon's public roots: RDS Proxy and Aurora DSQL
 *
 * root's store is /etc/rds-iam. Any other user's is $XDG_CONFIG_HOME/rds-iam (~/.config/rds-iam),
 * and is searched first.
 */
#ifndef RIA_TOOL_CA_STORE_H
#define RIA_TOOL_CA_STORE_H

#include "rds_iam.h"

enum ria_ca_kind {
    RIA_CA_RDS,
    RIA_CA_PUBLIC,
    RIA_CA_KINDS,
};

enum {
    RIA_CA_PATH_SIZE = 4096
};

/* The names of the files. */
extern const char *const ria_ca_store_names[RIA_CA_KINDS];

/* Writes the directory of the effective user's store. Returns false with err filled if the user has
 * no home directory, or if the path does not fit. Nothing is created. */
bool ria_ca_store_directory(
    const struct ria_world *world, char out[RIA_CA_PATH_SIZE], struct ria_error *err) RIA_MUST_USE;

/* Finds a file of the store, the user's own before the system's, and writes its path. FOUND; ABSENT
 * with out "" if neither store has it; FAILED with err filled if another user could write the file
 * (base/trust.h) or if it cannot be read. */
enum ria_outcome ria_ca_store_find(
    const struct ria_world *world,
    enum ria_ca_kind kind,
    char out[RIA_CA_PATH_SIZE],
    struct ria_error *err) RIA_MUST_USE;

/* Appends the first line of an installed file, from which ria_ca_store_warn() tells when it must be
 * renewed: the roots of `region` expire at `at`, in seconds since 1970. */
void ria_ca_store_add_header(const char *region, int64_t at, struct ria_buf *out);

/* Logs a warning if the first line of an installed file says that the roots of a region expire
 * within 60 days. Reads 256 bytes. */
void ria_ca_store_warn(const struct ria_world *world, const char *path);

#endif
