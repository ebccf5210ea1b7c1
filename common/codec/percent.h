/* SPDX-License-Identifier: MIT
 *
 * Text encodings that SigV4 needs: percent-encoding of RFC 3986 as AWS applies it (everything but
 * A-Z a-z 0-9 - . _ ~ becomes %XX, upper-case, bytes of UTF-8 each on its own, a slash too), and
 * lower-case hexadecimal. Nothing is normalised.
 */
#ifndef RIA_CODEC_PERCENT_H
#define RIA_CODEC_PERCENT_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

/* Append the encoded form of len bytes; failures are remembered by the buffer. */
void ria_percent_add(struct ria_buf *out, const char *bytes, size_t len);
void ria_hex_add(struct ria_buf *out, const uint8_t *bytes, size_t len);

/* Writes 2 * len characters and a NUL into an array that has room for them. */
void ria_hex_write(const uint8_t *bytes, size_t len, char *out);

/* Reads one character of a text that ria_percent_add() wrote and steps *at over it. False, with *at
 * where it was, at the end of the text, for a character that should be encoded, and for a % without
 * two digits after it, of which the letters are upper-case. */
bool ria_percent_take(const char **at, char *out) RIA_MUST_USE;

#endif
