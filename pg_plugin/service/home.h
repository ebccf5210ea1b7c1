/* SPDX-License-Identifier: MIT
 *
 * Where libpq finds a home directory without HOME. For programs of our own: the passwd entry may
 * come from a module of NSS, which a guest in somebody else's program does not load.
 */
#ifndef RIA_SERVICE_HOME_H
#define RIA_SERVICE_HOME_H

/* The home directory of the effective user's passwd entry, or NULL. Good until the next call. */
const char *ria_home_of_user(void);

#endif
