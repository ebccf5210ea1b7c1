/* SPDX-License-Identifier: MIT
 *
 * The home directory of the passwd entry, for a process without HOME.
 */
#ifndef RIA_HOME_H
#define RIA_HOME_H

/* The home directory of the effective user's passwd entry, or NULL. It stays valid as long as the
 * process. The first call for a user asks NSS and takes 2 seconds at most; later calls ask nothing.
 * For any thread. */
const char *ria_home_of_user(void);

#endif
