/* SPDX-License-Identifier: MIT
 *
 * The store of CA certificates: two PEM files in one directory. `rds-iam setup ca` fills the store.
 * `rds-iam exec`, `rds-iam check` and the other kinds of `rds-iam setup` use it.
 *
 *   rds-ca.pem          the roots of Amazon RDS: instances and clusters
 *   rds-ca-public.pem   Amazon's public roots: RDS Proxy and Aurora DSQL
 *
 * The two kinds of roots are never in one file. A certificate chain that ends at a root of Amazon
 * RDS belongs to a server of RDS. A chain that ends at a public root can belong to any server. With
 * such a chain, the client must also check the server's name.
 *
 * `rds-iam setup ca` writes the store to /etc/rds-iam if root runs it. For any other user, it
 * writes the store to $XDG_CONFIG_HOME/rds-iam (~/.config/rds-iam). ria_ca_store_find() searches
 * $XDG_CONFIG_HOME/rds-iam before /etc/rds-iam, also for root.
 */
#ifndef RIA_TOOL_CA_STORE_H
#define RIA_TOOL_CA_STORE_H

#include "rds_iam.h"

#define RIA_CA_SYSTEM_DIRECTORY "/etc/rds-iam"

/* The end of the warning about an unreadable CA file that the user has named for the settings that
 * rds-iam setup prints. The option and the path of the file stand before it. */
#define RIA_CA_UNREADABLE                                                                          \
    " cannot be read here, so clients here cannot verify the server; copy the file"

enum ria_ca_kind {
    RIA_CA_RDS,
    RIA_CA_PUBLIC,
    RIA_CA_KINDS,
};

enum {
    RIA_CA_PATH_SIZE = 4096,
    RIA_CA_SEARCHED_SIZE = RIA_CA_PATH_SIZE + 64,
    /* The size limit of a bundle and of an installed file, in bytes. ria_trust_bundle_fetch() never
     * returns a longer bundle. */
    RIA_CA_FILE_MAX = 2 * 1024 * 1024,
};

/* The names of the files in the directory of a store. */
extern const char *const ria_ca_store_names[RIA_CA_KINDS];

/* Writes the path of the directory in which the effective user installs the store. Does not create
 * the directory. Returns false with err filled if the user has no home directory, or if the path
 * does not fit. */
bool ria_ca_store_directory(
    const struct ria_world *world, char out[RIA_CA_PATH_SIZE], struct ria_error *err) RIA_MUST_USE;

/* Finds a file of the store and writes its path to `out`. Searches $XDG_CONFIG_HOME/rds-iam
 * (~/.config/rds-iam), then /etc/rds-iam. Returns FOUND; ABSENT with an empty `out` if neither
 * directory has the file; FAILED with err filled if another user can write the file or its
 * directory (base/trust.h), or if the file cannot be read. */
enum ria_outcome ria_ca_store_find(
    const struct ria_world *world,
    enum ria_ca_kind kind,
    char out[RIA_CA_PATH_SIZE],
    struct ria_error *err) RIA_MUST_USE;

/* Writes to `out` the directories that ria_ca_store_find() searches, for a message: "A or B". */
void ria_ca_store_searched(const struct ria_world *world, char out[RIA_CA_SEARCHED_SIZE]);

/* Writes to `out` the path that ria_ca_store_find() finds, and sets *is_installed to true. If
 * neither directory has the file, writes the path at which rds-iam setup ca will install the file
 * for this user, and sets *is_installed to false. Returns false with err filled on failure. */
bool ria_ca_store_path(
    const struct ria_world *world,
    enum ria_ca_kind kind,
    char out[RIA_CA_PATH_SIZE],
    bool *is_installed,
    struct ria_error *err) RIA_MUST_USE;

/* Appends the first line of an installed file: a comment with the time `at`, in seconds since 1970,
 * at which the roots of `region` expire. ria_ca_store_warn() reads this line. Appends nothing if
 * the time cannot be formatted. If memory runs out, sets out->failed. */
void ria_ca_store_add_header(const char *region, int64_t at, struct ria_buf *out);

/* Logs a warning if the roots of a region expire within 60 days, according to the first line of an
 * installed file. Reads 256 bytes of the file at most. */
void ria_ca_store_warn(const struct ria_world *world, const char *path);

#endif
