/* SPDX-License-Identifier: MIT
 *
 * What a token says of itself: it is a URL with its date, its life and the access key id that it
 * was signed with. Nothing of it is verified; that is the server's business. Part of both objects.
 */
#ifndef RIA_PRELOAD_TOKEN_TEXT_H
#define RIA_PRELOAD_TOKEN_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* Whether a password is a token, of whatever age and maker. NULL is none. */
bool ria_is_token(const char *password);

/* Whether the token's life is over, or so nearly that a login may come too late. One that does not
 * say when it was made or for how long is not. */
bool ria_token_is_over(const char *token);

/* A number that stands for the access key id that the token was signed with; 0: it names none. */
uint64_t ria_token_key(const char *token);

/* Whether a token that somebody has gives way to another that can be had: that one was made later,
 * and the given one is over, or of an earlier connection of this process (is_known), or both are of
 * one access key id. A good token of somebody else's stays. Both may be NULL. */
bool ria_token_gives_way(const char *given, const char *other, bool is_known);

#endif
