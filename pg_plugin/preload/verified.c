/* SPDX-License-Identifier: MIT
 *
 * Uses the settings that libpq has resolved to decide whether a connection must be verified, and
 * with which root certificates. The preload object reads no configuration. So rds-iam exec sets
 * environment variables to the paths of the root certificates that `rds-iam setup ca` has
 * installed. If the preload must turn verification on and finds no root certificates, the caller
 * refuses the connection, with the preload's message. libpq would also refuse the connection, but
 * libpq's message suggests turning verification off. If the program's own settings contain
 * sslmode=verify-full or verify-ca, libpq itself reports that the certificates are missing. */
#include "preload/verified.h"

#include "preload/query.h"

#include "base/text.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Returns true if the user has a file ~/.postgresql/root.crt, which libpq reads if sslrootcert is
 * not set. Takes the home directory from HOME. libpq 10 to 14 takes it from the passwd entry
 * instead, so for these versions the result is wrong if HOME names another directory. */
static bool has_own_file(void)
{
    char path[PATH_MAX];
    const char *home = secure_getenv("HOME");
    int saved = errno;
    bool is_there = home != NULL &&
                    ria_text_format(path, sizeof(path), "%s/.postgresql/root.crt", home) &&
                    access(path, R_OK) == 0;
    errno = saved;
    return is_there;
}

static bool names_roots(const struct ria_pq_settings *settings)
{
    return ria_pq_settings_value(settings, "sslrootcert") != NULL || has_own_file();
}

/* Returns true if the object that contains the address is psqlodbc: psqlodbcw.so or psqlodbca.so.
 */
static bool is_psqlodbc(const void *address)
{
    static const char start[] = "psqlodbc";
    Dl_info info;
    if (dladdr(address, &info) == 0 || info.dli_fname == NULL) {
        return false;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    const char *name = slash == NULL ? info.dli_fname : slash + 1;
    return strncmp(name, start, sizeof(start) - 1) == 0;
}

/* Returns true if the preload must turn verification on. There are two cases: sslmode is prefer or
 * allow; or psqlodbc has passed sslmode=disable, which it does by default, and the connection has
 * no password. */
static bool lacks_verification(const struct ria_pq_settings *settings, const void *caller)
{
    const char *mode = ria_pq_settings_value(settings, "sslmode");
    if (mode == NULL) {
        return false;
    }
    return strcmp(mode, "prefer") == 0 || strcmp(mode, "allow") == 0 ||
           (strcmp(mode, "disable") == 0 && ria_pq_settings_value(settings, "password") == NULL &&
            !settings->has_stored_password && is_psqlodbc(caller));
}

static bool is_verify_ca(const struct ria_pq_settings *settings)
{
    const char *mode = ria_pq_settings_value(settings, "sslmode");
    return mode != NULL && strcmp(mode, "verify-ca") == 0;
}

/* Returns the path that rds-iam exec has set, or NULL if the variable is unset or empty. */
static const char *find_root(enum ria_pq_ca ca)
{
    const char *path =
        ca == RIA_PQ_CA_PUBLIC ? secure_getenv("RDS_IAM_CA_PUBLIC") : secure_getenv("RDS_IAM_CA");
    return path == NULL || *path == '\0' ? NULL : path;
}

/* Returns true if three conditions hold: sslmode is verify-full or verify-ca, the user has no root
 * certificates, and rds-iam exec has passed the path of root certificates. Returns false if HOME is
 * not set, because this code then cannot determine where libpq looks for the user's own file. */
static bool lacks_roots(const struct ria_pq_settings *settings)
{
    const char *mode = ria_pq_settings_value(settings, "sslmode");
    return mode != NULL && (strcmp(mode, "verify-full") == 0 || is_verify_ca(settings)) &&
           secure_getenv("HOME") != NULL && !names_roots(settings) &&
           (find_root(RIA_PQ_CA_RDS) != NULL || find_root(RIA_PQ_CA_PUBLIC) != NULL);
}

enum ria_pq_ca ria_verified_ca(const struct ria_pq_settings *settings, const void *caller)
{
    if (!lacks_verification(settings, caller) && !lacks_roots(settings)) {
        return RIA_PQ_CA_NONE;
    }
    struct ria_pq_target target = ria_pq_settings_target(settings);
    enum ria_pq_ca ca =
        target.host == NULL || target.has_socket ? RIA_PQ_CA_NONE : ria_query_ca(&target);
    /* Public roots certify everyone's servers, so a chain to a public root alone verifies no
     * server. */
    return ca == RIA_PQ_CA_PUBLIC && is_verify_ca(settings) ? RIA_PQ_CA_NONE : ca;
}

bool ria_verified_add(
    const struct ria_pq_settings *settings,
    const void *caller,
    enum ria_pq_ca ca,
    struct ria_arguments *arguments)
{
    bool is_named = names_roots(settings);
    const char *root = is_named ? NULL : find_root(ca);
    if (root != NULL) {
        ria_arguments_add(arguments, "sslrootcert", root);
    }
    /* If the program itself requires verification, libpq reports a missing file, and gssencmode is
     * not changed here. */
    if (!lacks_verification(settings, caller)) {
        return true;
    }
    if (!is_named && root == NULL) {
        return false;
    }
    ria_arguments_add(
        arguments, "sslmode", ca == RIA_PQ_CA_RDS_CHAIN ? "verify-ca" : "verify-full");
    /* libpq 12 and later have this setting. */
    if (ria_pq_settings_value(settings, "gssencmode") != NULL) {
        ria_arguments_add(arguments, "gssencmode", "disable");
    }
    return true;
}
