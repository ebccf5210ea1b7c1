/* SPDX-License-Identifier: MIT
 *
 * Which of two tokens is sent. Part of both objects.
 */
#ifndef RIA_PRELOAD_REPLACE_H
#define RIA_PRELOAD_REPLACE_H

#include "aws/token_text.h"

#include <time.h>

/* Whether a given token is replaced by another that can be had: that one was made later, and the
 * given one is over, or of an earlier connection of this process (is_known), or both were signed
 * with one access key id. A valid token of another identity stays. Both may be NULL. */
static inline bool ria_token_is_replaced(const char *given, const char *other, bool is_known)
{
    uint64_t key = ria_token_key(given);
    return ria_token_is_later(other, given) && (is_known || ria_token_is_over(given, time(NULL)) ||
                                                (key != 0 && key == ria_token_key(other)));
}

#endif
