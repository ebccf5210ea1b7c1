/* SPDX-License-Identifier: MIT
 *
 * Recognizes tokens and reads their parameters. A token is a URL with a SigV4 query signature (AWS,
 * "Authenticating Requests: Using Query Parameters"). These functions recognize a token by its
 * signature parameter alone, because the rest of a token varies. The AWS SDKs write the other
 * parameters in different orders, some SDKs write https:// before the token, and tokens of Aurora
 * DSQL have other actions. The plugins, the preload and the agent all use these functions. The
 * functions do not verify the signature; the server verifies it. token.h makes tokens.
 *
 * All functions are pure and may be called from any thread. They need only libc, because the
 * preload, which links no other library, also contains this code.
 */
#ifndef RIA_AWS_TOKEN_TEXT_H
#define RIA_AWS_TOKEN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns whether a user of Aurora DSQL is the administrator, whose token and policy have the
 * action DbConnectAdmin instead of DbConnect. The comparison of names is case-sensitive, as in
 * PostgreSQL. */
bool ria_dsql_user_is_admin(const char *user);

/* Returns whether a password is a token: it contains "X-Amz-Signature=". Returns false for NULL. */
bool ria_is_token(const char *password);

/* Returns whether a password is the beginning of a token: it contains the beginning of a token's
 * parameters, such as "?Action=", "&X-Amz-" or "X-Amz-Signature=", but no signature of 64
 * hexadecimal digits. A program that stores a password in a small buffer can cut a token in this
 * way. Returns false for NULL. */
bool ria_token_is_cut(const char *password);

/* Like ria_is_token(), for the first `len` bytes of a passfile line, in which a backslash may
 * escape any character. */
bool ria_line_has_token(const char *line, size_t len);

/* The functions below read a token, or a passfile line that contains a token, up to the first
 * newline or the end. The order of the parameters does not matter. */

/* Returns whether the token has expired or expires within a minute. A login with a token that
 * expires within a minute might reach the server too late. `now` is in seconds since 1970. Returns
 * false for a token without a date or a lifetime. */
bool ria_token_is_over(const char *token, int64_t now);

/* Returns whether `token` was made after `earlier`, by the dates in the two tokens. A text without
 * a date counts as older than every text with a date. Both may be NULL. */
bool ria_token_is_later(const char *token, const char *earlier);

/* Returns a hash of the id of the access key that signed the token, or 0 if the token contains no
 * id. */
uint64_t ria_token_key(const char *token);

#endif
