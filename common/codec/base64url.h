/* SPDX-License-Identifier: MIT
 *
 * base64url without padding (RFC 4648, section 5), as JSON Web Tokens are written in. Encoding
 * only.
 */
#ifndef RIA_CODEC_BASE64URL_H
#define RIA_CODEC_BASE64URL_H

#include "base/buf.h"

/* Appends the encoded form of len bytes; failures are remembered by the buffer. */
void ria_base64url_add(struct ria_buf *out, const void *bytes, size_t len);

#endif
