/* SPDX-License-Identifier: MIT
 *
 * Whether a piece of work can be done where the caller stands.
 */
#ifndef RIA_PRELOAD_ROOM_H
#define RIA_PRELOAD_ROOM_H

#include <stdbool.h>
#include <stddef.h>

/* True where the stack in use is a thread's own, or the process's first, and has so many bytes
 * left. False in a coroutine and on a signal's stack: what they lie in cannot be asked. */
bool ria_has_room(size_t wanted);

#endif
