/* SPDX-License-Identifier: MIT
 *
 * The text encodings of SigV4: percent-encoding and lower-case hexadecimal. Percent-encoding is
 * that of RFC 3986 as AWS applies it: each byte except A-Z a-z 0-9 - . _ ~ becomes %XX with
 * upper-case digits. This includes the slash and each byte of a UTF-8 character. Nothing is
 * normalized.
 */
#ifndef RIA_CODEC_PERCENT_H
#define RIA_CODEC_PERCENT_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

/* Append the encoded form of len bytes. The buffer remembers a failure. */
void ria_percent_add(struct ria_buf *out, const char *bytes, size_t len);
void ria_hex_add(struct ria_buf *out, const uint8_t *bytes, size_t len);

/* Writes 2 * len characters and a NUL to out. */
void ria_hex_write(const uint8_t *bytes, size_t len, char *out);

/* Decodes one character of a text that ria_percent_add() wrote, and advances *at. Returns false,
 * with *at unchanged, at the end of the text, for a character that ria_percent_add() would have
 * encoded, and for a % that is not followed by two digits (A to F upper-case). */
bool ria_percent_decode(const char **at, char *out) RIA_MUST_USE;

#endif
