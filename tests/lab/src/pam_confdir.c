/* SPDX-License-Identifier: MIT
 *
 * LD_PRELOAD for the lab's servers: PAM reads its service files from the directory
 * RDSLAB_PAM_CONFDIR. If the variable is unset or empty, it has no effect.
 *
 * With it, the lab needs no file in /etc/pam.d and no root privileges. */
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
        confdir = NULL; /* for libpam, the default directory */
    }
    return pam_start_confdir(service_name, user, pam_conversation, confdir, pamh);
}
