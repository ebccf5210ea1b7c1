/* SPDX-License-Identifier: MIT
 *
 * The MySQL client programs and libraries of this machine, for rds-iam setup mysql: which client
 * library each file contains, and which settings the file therefore needs. The functions read the
 * files and run no program. Each added line contains the path of a file, and then what the file
 * needs.
 */
#ifndef RIA_TOOL_SETUP_CLIENTS_H
#define RIA_TOOL_SETUP_CLIENTS_H

#include "rds_iam.h"

/* Adds the line of one file, even if it contains no client library or cannot be read. If `name` is
 * a name without a slash, and the current directory has no such file, searches the directories of
 * `path`, the value of PATH, or NULL. */
void ria_setup_add_client(const char *name, const char *path, struct ria_buf *out);

/* Adds a line for each of the usual client programs in the directories of `path`, and for each
 * client library in the usual directories. `path` is the value of PATH, or NULL. Adds each file
 * once, and only if it contains a client library or cannot be read. If is_for_exceptions is set,
 * adds only the files that need more than the option file of rds-iam setup mysql. Each line begins
 * with `prefix`. */
void ria_setup_add_clients(
    const char *path, bool is_for_exceptions, const char *prefix, struct ria_buf *out);

#endif
