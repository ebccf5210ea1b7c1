/* SPDX-License-Identifier: MIT
 *
 * Preloaded into the lab's servers: makes PAM read its service files from the directory that the
 * variable RDSLAB_PAM_CONFDIR names. If the variable is unset or empty, this object has no effect.
 *
 * With this object, the lab needs no file in /etc/pam.d and no root privileges. */
#include <security/pam_appl.h>
#include <stdlib.h>

int pam_start(
    const char *service_name,
    const char *user,
    const struct pam_conv *pam_conversation,
    pam_handle_t **pamh)
{
    const char *confdir = getenv("RDSLAB_PAM_CONFDIR");
    if (confdir != NULL && confdir[0] == '\0') {
        confdir = NULL; /* NULL means the default directory of libpam */
    }
    return pam_start_confdir(service_name, user, pam_conversation, confdir, pamh);
}
