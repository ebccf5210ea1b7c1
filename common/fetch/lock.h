/* SPDX-License-Identifier: MIT
 *
 * A lock among our own processes, waited for asleep.
 */
#ifndef RIA_FETCH_LOCK_H
#define RIA_FETCH_LOCK_H

#include <stdint.h>

/* Takes flock() on the file within so many milliseconds. 0, or an errno: EWOULDBLOCK where somebody
 * held it all this time. Uses SIGALRM. */
int ria_lock_within(int fd, int64_t timeout);

#endif
