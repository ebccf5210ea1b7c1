/* SPDX-License-Identifier: MIT
 *
 * The certificate by which a command's client verifies its server: what can be told of it before
 * the client is there. libpq's own words for a missing one advise to verify nothing.
 */
#ifndef RIA_TOOL_ROOT_CERTIFICATE_H
#define RIA_TOOL_ROOT_CERTIFICATE_H

#include "rds_iam.h"

/* Warns where PostgreSQL's program in argv will look for a root certificate in vain, by the
 * environment as it is now, and where ca, the value of --ca, is given to a program of MySQL's or
 * MariaDB's, which does not see it. Silent where the words or the environment leave a doubt. */
void ria_root_certificate_warn(char *const *argv, const char *ca, const struct ria_world *world);

#endif
