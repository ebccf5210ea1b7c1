/* SPDX-License-Identifier: MIT
 *
 * The two parts of rds-iam that a user can install separately: the objects for clients of MySQL and
 * MariaDB servers, and the objects for clients of PostgreSQL servers. Each part is a package. A
 * part counts as installed if the object that the preload loads for this part exists.
 */
#ifndef RIA_TOOL_PART_H
#define RIA_TOOL_PART_H

#include "rds_iam.h"

enum ria_part {
    RIA_PART_MYSQL,
    RIA_PART_POSTGRESQL,
    RIA_PARTS,
};

struct ria_part_files {
    const char *package;
    const char *object;      /* the path of the object that the preload loads */
    const char *consequence; /* what does not work without the part */
};

extern const struct ria_part_files ria_part_files[RIA_PARTS];

/* Returns true if the object of the part does not exist. Returns false if it exists, even if this
 * user cannot read it. */
bool ria_part_is_absent(enum ria_part part);

/* Logs a warning if the part is not installed. */
void ria_part_warn(enum ria_part part, const struct ria_world *world);

#endif
