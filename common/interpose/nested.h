/* SPDX-License-Identifier: MIT
 *
 * Tracks a call of an interposed function that is in progress on a thread, to recognize a nested
 * call. A library implements some of its public functions with other public functions, and so calls
 * the interposed functions again. This nested call has the arguments that were passed to the outer
 * call. Any other call is the program's: it comes from a callback of the library, or the program
 * has left the outer call with siglongjmp().
 *
 * The caller has one struct for each thread, in thread-local memory and not in a stack frame. So a
 * jump out of a call leaves no dangling pointer. The functions have no other state.
 */
#ifndef RIA_INTERPOSE_NESTED_H
#define RIA_INTERPOSE_NESTED_H

#include <stdbool.h>
#include <stdint.h>

struct ria_nested {
    uintptr_t begun;      /* the frame in which the call began; 0: no call is in progress */
    const void *expected; /* the arguments of the nested call; NULL: none is expected */
};

/* Marks the beginning of a call. `frame` is __builtin_frame_address(0) of a function that is not
 * inlined. */
void ria_nested_begin(struct ria_nested *call, const void *frame);

/* Marks the end of the call. */
void ria_nested_end(struct ria_nested *call);

/* Returns true if a call is in progress and `frame` is below the frame of that call (at a lower
 * address), as the frame of a nested call always is. If `frame` is not below it, the program has
 * left the outer call with a jump. The program can also leave the outer call with a jump and then
 * make a call whose frame is below that frame. This function cannot detect that, and returns true.
 */
bool ria_nested_is_in_progress(const struct ria_nested *call, const void *frame);

/* Stores the pointer to arguments that the library will pass to its nested call. The interposed
 * function calls this before it calls the library. */
void ria_nested_expect(struct ria_nested *call, const void *arguments);

/* Returns true if `arguments` is the pointer that ria_nested_expect() stored. Returns true only
 * once for each stored pointer. */
bool ria_nested_is_expected(struct ria_nested *call, const void *arguments);

#endif
