/* SPDX-License-Identifier: MIT
 *
 * The home directory of the passwd entry, for a process without HOME.
 */
#ifndef RIA_HOME_H
#define RIA_HOME_H

#include "base/world.h"

/* The home directory of the effective user's passwd entry, or NULL. It stays valid as long as the
 * process. The first call for a user looks it up and may take 2 seconds, later ones do not. For any
 * thread. */
const char *ria_home_of_user(const struct ria_world *world);

#endif
