/* SPDX-License-Identifier: MIT
 *
 * Text encodings that SigV4 needs: percent-encoding of RFC 3986 as AWS applies it (everything but
 * A-Z a-z 0-9 - . _ ~ becomes %XX, upper-case, bytes of UTF-8 each on its own, a slash too), and
 * lower-case hexadecimal. Encoding only; nothing is normalised or decoded.
 */
#ifndef RIA_CODEC_PERCENT_H
#define RIA_CODEC_PERCENT_H

#include "base/buf.h"

#include <stdint.h>

/* Append the encoded form of len bytes; failures are remembered by the buffer. */
void ria_percent_add(struct ria_buf *out, const char *bytes, size_t len);
void ria_hex_add(struct ria_buf *out, const uint8_t *bytes, size_t len);

#endif
