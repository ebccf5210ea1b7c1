/* SPDX-License-Identifier: MIT
 *
 * The environment of rds-iam-fetch. Variables that make the dynamic linker or OpenSSL load other
 * libraries (LD_LIBRARY_PATH, LD_PRELOAD, LD_AUDIT, OPENSSL_CONF and similar) were set for the host
 * program. rds-iam-fetch does not get them, because a libcurl or libcrypto that an application
 * bundles may be incompatible with rds-iam-fetch. But a credential_process is the user's own
 * program and gets these variables. rds-iam-fetch therefore receives them under other names, such
 * as RDS_IAM_HOST_LD_LIBRARY_PATH, and restores their names for a credential_process.
 */
#ifndef RIA_HOST_VARIABLES_H
#define RIA_HOST_VARIABLES_H

#include <stdbool.h>

enum {
    RIA_HOST_VARIABLES = 7
};

/* The prefix of the renamed variables. */
#define RIA_HOST_VARIABLE_PREFIX "RDS_IAM_HOST_"

/* The names of these variables, without the prefix. */
extern const char *const ria_host_variables[RIA_HOST_VARIABLES];

/* An environment for posix_spawn(). Most of its strings are borrowed from environ. */
struct ria_child_environment {
    char **variables; /* ends with NULL */
    char *renamed;    /* owned: the text of the other strings */
};

/* Fills *out with a copy of this process's environment in which the variables above are renamed.
 * Adds HOME=`home` if HOME is unset or blank and `home` is not NULL. If keeps_library_path is true,
 * LD_LIBRARY_PATH also stays under its own name. Returns false if memory runs out. The caller
 * releases *out. */
bool ria_host_variables_withhold(
    bool keeps_library_path, const char *home, struct ria_child_environment *out);

/* Frees what *environment owns. */
void ria_child_environment_release(struct ria_child_environment *environment);

#endif
