/* SPDX-License-Identifier: MIT
 *
 * Uses the settings that libpq has resolved to decide whether a connection must be verified, and
 * with which root certificates. rds-iam exec passes the paths of the CA store's files in
 * environment variables, because the preload object reads no configuration. If no root certificates
 * exist, the caller refuses the connection itself and does not leave this to libpq, because libpq's
 * message for this case suggests turning verification off. */
#include "preload/verified.h"

#include "preload/query.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Returns true if the user has a file ~/.postgresql/root.crt, which libpq reads if sslrootcert is
 * not set. Finds the home directory by HOME only. libpq 10 to 14 use the home directory of the
 * passwd entry, so for these versions the result is wrong if HOME names another directory. */
static bool has_own_file(void)
{
    char path[PATH_MAX];
    const char *home = secure_getenv("HOME");
    int saved = errno;
    int len = home == NULL ? -1 : snprintf(path, sizeof(path), "%s/.postgresql/root.crt", home);
    bool is_there = len > 0 && len < (int)sizeof(path) && access(path, R_OK) == 0;
    errno = saved;
    return is_there;
}

static bool names_roots(const struct ria_pq_settings *settings)
{
    return ria_pq_settings_value(settings, "sslrootcert") != NULL || has_own_file();
}

/* Returns whether the connection lacks something: the verification, or the root certificates for the
 * verification that the user has asked for. */
static bool is_incomplete(const struct ria_pq_settings *settings)
{
    const char *mode = ria_pq_settings_value(settings, "sslmode");
    if (mode == NULL) {
        return false;
    }
    return strcmp(mode, "prefer") == 0 || strcmp(mode, "allow") == 0 ||
           (strcmp(mode, "verify-full") == 0 && !names_roots(settings));
}

enum ria_pq_ca ria_verified_ca(const struct ria_pq_settings *settings)
{
    if (!is_incomplete(settings)) {
        return RIA_PQ_CA_NONE;
    }
    struct ria_pq_target target = ria_pq_settings_target(settings);
    return target.host == NULL || target.has_socket ? RIA_PQ_CA_NONE : ria_query_ca(&target);
}

/* Returns the path that rds-iam exec has set, or NULL if the variable is unset or empty. */
static const char *find_root(enum ria_pq_ca ca)
{
    const char *path =
        ca == RIA_PQ_CA_PUBLIC ? secure_getenv("RDS_IAM_CA_PUBLIC") : secure_getenv("RDS_IAM_CA");
    return path == NULL || *path == '\0' ? NULL : path;
}

bool ria_verified_add(
    const struct ria_pq_settings *settings, enum ria_pq_ca ca, struct ria_arguments *arguments)
{
    bool is_named = names_roots(settings);
    const char *root = is_named ? NULL : find_root(ca);
    if (!is_named && root == NULL) {
        return false;
    }
    ria_arguments_add(arguments, "sslmode", "verify-full");
    if (root != NULL) {
        ria_arguments_add(arguments, "sslrootcert", root);
    }
    /* libpq 12 and later have this setting. */
    if (ria_pq_settings_value(settings, "gssencmode") != NULL) {
        ria_arguments_add(arguments, "gssencmode", "disable");
    }
    return true;
}
