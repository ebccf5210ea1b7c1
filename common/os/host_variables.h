/* SPDX-License-Identifier: MIT
 *
 * The environment of rds-iam-fetch. What leads the host's loader or the host's OpenSSL to other
 * libraries (LD_LIBRARY_PATH, LD_PRELOAD, LD_AUDIT, OPENSSL_CONF and their like) is withheld from
 * rds-iam-fetch, because it was set for the host: a libcurl or libcrypto that comes with an
 * application does not fit ours. A credential_process is the user's own program and gets all of it
 * back. On the way it has other names: RDS_IAM_HOST_LD_LIBRARY_PATH and so on.
 */
#ifndef RIA_HOST_VARIABLES_H
#define RIA_HOST_VARIABLES_H

#include <stdbool.h>

enum {
    RIA_HOST_VARIABLES = 7
};

/* What stands in front of a variable's name on its way to a credential_process. */
#define RIA_HOST_VARIABLE_PREFIX "RDS_IAM_HOST_"

extern const char *const ria_host_variables[RIA_HOST_VARIABLES];

/* An environment for posix_spawn(). Most of its strings are the process's own. */
struct ria_child_environment {
    char **variables; /* ends in NULL */
    char *renamed;    /* the strings that are not */
};

/* This process's environment, with those variables renamed, and with HOME if it is unset and `home`
 * is not NULL. keeps_library_path: LD_LIBRARY_PATH also stays under its own name. False without
 * memory. */
bool ria_host_variables_withhold(
    bool keeps_library_path, const char *home, struct ria_child_environment *out);

void ria_child_environment_release(struct ria_child_environment *environment);

#endif
