/* SPDX-License-Identifier: MIT
 *
 * Whether a piece of work can be done where the caller stands, or needs a thread for the sake of
 * its stack. It costs less than a microsecond, with two system calls and a malloc() on a thread
 * other than the first. From any thread. errno may change.
 */
#ifndef RIA_GUEST_THREAD_H
#define RIA_GUEST_THREAD_H

#include <stdbool.h>
#include <stddef.h>

/* True where the stack in use is the process's first or a thread's own, and has so many bytes left.
 * False in a coroutine and on a signal's stack: their bounds cannot be asked. Also false in the
 * child of a fork() on another thread than the first, whose thread is then its first. */
bool ria_stack_has(size_t wanted);

#endif
