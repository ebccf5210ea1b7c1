/* SPDX-License-Identifier: MIT
 *
 * LD_PRELOAD for the lab's servers: PAM services are read from the directory in
 * RDSLAB_PAM_CONFDIR. Without the variable, or with an empty one, nothing changes.
 *
 * It exists so that no file in /etc/pam.d is written and nobody has to be root. */
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
        confdir = NULL; /* what libpam takes for "the usual place" */
    }
    return pam_start_confdir(service_name, user, pam_conversation, confdir, pamh);
}
