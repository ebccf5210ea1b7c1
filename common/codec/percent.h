/* SPDX-License-Identifier: MIT
 *
 * The text encodings of SigV4: percent-encoding and lower-case hexadecimal. Percent-encoding
 * follows RFC 3986 as AWS applies it. Each byte except A-Z a-z 0-9 - . _ ~ becomes %XX with
 * upper-case digits. This applies also to the slash, and to each byte of a UTF-8 character. Nothing
 * is normalized.
 */
#ifndef RIA_CODEC_PERCENT_H
#define RIA_CODEC_PERCENT_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

/* ria_percent_add() appends len bytes percent-encoded; ria_hex_add() appends them in hexadecimal.
 * If the text is too long or memory runs out, both set out->failed. */
void ria_percent_add(struct ria_buf *out, const char *bytes, size_t len);
void ria_hex_add(struct ria_buf *out, const uint8_t *bytes, size_t len);

/* Writes len bytes percent-encoded to out, which has room for 3 * len characters. Returns a pointer
 * to the byte after them. Writes no NUL. */
char *ria_percent_write(char *out, const char *bytes, size_t len);

/* Writes 2 * len characters and a NUL to out. */
void ria_hex_write(const uint8_t *bytes, size_t len, char *out);

/* Decodes one character of a text that ria_percent_add() wrote, and advances *at. Returns false,
 * with *at unchanged, in three cases: the text is at its end; the character is one that
 * ria_percent_add() would have encoded; or the character is a % without two hexadecimal digits in
 * upper case after it. */
bool ria_percent_decode(const char **at, char *out) RIA_MUST_USE;

#endif
