/* SPDX-License-Identifier: MIT
 *
 * A call of an interposed function that is in progress on a thread, while the thread makes another
 * one. A library makes some of its public functions by others, by their public names, and so comes
 * by the interposed ones again: such a call has the arguments that the outer one was given. Any
 * other call is the program's: a function that the library has called makes it, or the first call
 * was left by a jump (siglongjmp()).
 *
 * It is a value of its owner's, one for each thread, and not a pointer, so that a jump leaves
 * nothing that dangles. Pure functions.
 */
#ifndef RIA_INTERPOSE_NESTED_H
#define RIA_INTERPOSE_NESTED_H

#include <stdbool.h>
#include <stdint.h>

struct ria_nested {
    uintptr_t begun;      /* the frame in which it began; 0: no call is in progress */
    const void *expected; /* the arguments of the library's own call; NULL: none is left to come */
};

/* A call begins. `frame` is __builtin_frame_address(0) of a function that is not inlined. */
void ria_nested_begin(struct ria_nested *call, const void *frame);

void ria_nested_end(struct ria_nested *call);

/* Whether a call is in progress as seen from `frame`. What is called within a call has its frame
 * below that call's: a frame that is not below it shows that the program has left that call by a
 * jump. One that is below it shows nothing. */
bool ria_nested_is_in_progress(const struct ria_nested *call, const void *frame);

/* Says before a call of the library's which arguments (the pointer) its own call will have. */
void ria_nested_expect(struct ria_nested *call, const void *arguments);

/* Whether these are those arguments. Counts once. */
bool ria_nested_is_expected(struct ria_nested *call, const void *arguments);

#endif
