/* SPDX-License-Identifier: MIT
 *
 * PAM module of the lab's servers. The arguments in the service file select one of two modes:
 *
 *     pam_rdslab.so socket=NAME resource=ID    the password is an RDS token; the verifier decides.
 *                                              Unless PostgreSQL has
 *                                              rds.iam_auth_for_replication = 1, the module rejects
 *                                              a replication login and does not ask the verifier
 *     pam_rdslab.so password=WORD              the password must be WORD; for an account that
 *                                              uses a typed password in clear text
 *
 * The module looks up no accounts and opens no sessions. It logs nothing, because passwords and
 * tokens of clients must not be in the log of a test server. */
#define PAM_SM_AUTH
#define PAM_SM_ACCOUNT
#include "verify.h"

#include <dlfcn.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdbool.h>
#include <string.h>

/* GetConfigOption() of PostgreSQL's utils/guc.h. */
typedef const char *get_config_option(const char *name, bool missing_ok, bool restrict_privileged);

/* Returns the value of the argument "name=value", or NULL. */
static const char *argument(int argc, const char **argv, const char *name)
{
    size_t len = strlen(name);
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], name, len) == 0 && argv[i][len] == '=') {
            return argv[i] + len + 1;
        }
    }
    return NULL;
}

/* Returns true for a replication connection to PostgreSQL, unless rds.iam_auth_for_replication is
 * 1. On RDS, IAM authentication applies to such a connection only if this parameter is set. MariaDB
 * does not have the variable am_walsender, so the result is false there. */
static bool is_refused_replication(void)
{
    const bool *is_walsender = dlsym(RTLD_DEFAULT, "am_walsender");
    if (is_walsender == NULL || !*is_walsender) {
        return false;
    }
    get_config_option *option = NULL;
    *(void **)&option = dlsym(RTLD_DEFAULT, "GetConfigOption");
    const char *value = option == NULL ? NULL : option("rds.iam_auth_for_replication", true, false);
    return value == NULL || strcmp(value, "1") != 0;
}

static int ask_verifier(const char *socket_name, const struct rdslab_login *login)
{
    switch (rdslab_verify(socket_name, login)) {
    case RDSLAB_ACCEPTED:
        return PAM_SUCCESS;
    case RDSLAB_REFUSED:
        return PAM_AUTH_ERR;
    case RDSLAB_UNREACHABLE:
    default:
        return PAM_AUTHINFO_UNAVAIL;
    }
}

PAM_EXTERN int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)flags;
    const char *user = NULL;
    const char *typed = NULL;
    if (pam_get_user(pamh, &user, NULL) != PAM_SUCCESS || user == NULL) {
        return PAM_USER_UNKNOWN;
    }
    if (pam_get_authtok(pamh, PAM_AUTHTOK, &typed, NULL) != PAM_SUCCESS || typed == NULL) {
        return PAM_AUTH_ERR;
    }

    const char *password = argument(argc, argv, "password");
    if (password != NULL) {
        return strcmp(typed, password) == 0 ? PAM_SUCCESS : PAM_AUTH_ERR;
    }
    if (is_refused_replication()) {
        return PAM_AUTH_ERR;
    }
    const char *socket_name = argument(argc, argv, "socket");
    const char *resource = argument(argc, argv, "resource");
    if (socket_name == NULL || resource == NULL) {
        return PAM_SERVICE_ERR;
    }
    struct rdslab_login login = {
        .resource = resource,
        .user = user,
        .token = typed,
        .token_len = strlen(typed),
    };
    return ask_verifier(socket_name, &login);
}

PAM_EXTERN int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_SUCCESS;
}

PAM_EXTERN int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_SUCCESS;
}
