/* SPDX-License-Identifier: MIT
 *
 * Whether a piece of work needs a thread for the sake of its stack.
 */
#ifndef RIA_BASE_STACK_H
#define RIA_BASE_STACK_H

#include <stdbool.h>
#include <stddef.h>

/* True where the process's first stack is in use and has so many bytes left. */
bool ria_stack_has(size_t wanted);

#endif
