/* SPDX-License-Identifier: MIT
 *
 * What a text says of itself if it is a token. A token is a URL with a SigV4 query signature (AWS,
 * "Authenticating Requests: Using Query Parameters"). It is recognised by that signature alone:
 * AWS's SDKs put the other parameters into different orders, some put https:// in front, and tokens
 * of Aurora DSQL have other actions. The plugins, the preload and the agent all ask here. Nothing
 * is verified; that is the server's business. How a token is made is in token.h.
 *
 * Pure functions, for any thread. They need libc alone, because the preload holds this source too.
 */
#ifndef RIA_AWS_TOKEN_TEXT_H
#define RIA_AWS_TOKEN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a password is a token: it holds "X-Amz-Signature=". False for NULL. */
bool ria_is_token(const char *password);

/* The same for the first `len` bytes of a line of a passfile, where a backslash stands in front of
 * any character that is to be taken literally. */
bool ria_line_has_token(const char *line, size_t len);

/* The following take a token, or a passfile's line that has one, to its end or to its first
 * newline. Parameters count in any order. */

/* Whether the token's life ends within a minute from now, or has ended: a login may come too late
 * then. now is in seconds since 1970. False for a token that does not say when it was made or for
 * how long. */
bool ria_token_is_over(const char *token, int64_t now);

/* Whether a token was made after an earlier one. A text without date is earlier than any other.
 * Both may be NULL. */
bool ria_token_is_later(const char *token, const char *earlier);

/* A number that stands for the access key id that the token was signed with; 0: it names none. */
uint64_t ria_token_key(const char *token);

#endif
