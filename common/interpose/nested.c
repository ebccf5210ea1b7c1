/* SPDX-License-Identifier: MIT
 *
 * Detects nested calls of interposed functions by comparing frame addresses on one thread's stack.
 * The stack grows downwards on every processor that glibc supports, except hppa. */
#include "interpose/nested.h"

#include <stddef.h>

void ria_nested_begin(struct ria_nested *call, const void *frame)
{
    *call = (struct ria_nested){.begun = (uintptr_t)frame};
}

void ria_nested_end(struct ria_nested *call)
{
    *call = (struct ria_nested){0};
}

bool ria_nested_is_in_progress(const struct ria_nested *call, const void *frame)
{
    return (uintptr_t)frame < call->begun;
}

void ria_nested_expect(struct ria_nested *call, const void *arguments)
{
    call->expected = arguments;
}

bool ria_nested_is_expected(struct ria_nested *call, const void *arguments)
{
    bool is_expected = arguments != NULL && call->expected == arguments;
    call->expected = is_expected ? NULL : call->expected;
    return is_expected;
}
