/* SPDX-License-Identifier: MIT
 *
 * Three bytes to four characters. */
#include "codec/base64url.h"

#include "base/ascii.h"

#include <stdint.h>

void ria_base64url_add(struct ria_buf *out, const void *bytes, size_t len)
{
    static const char digits[] = RIA_ALNUM "-_";
    const uint8_t *in = bytes;
    for (size_t at = 0; at < len; at += 3) {
        size_t count = len - at < 3 ? len - at : 3;
        uint32_t group = 0;
        for (size_t i = 0; i < 3; i++) {
            group = group << 8U | (i < count ? in[at + i] : 0U);
        }
        for (unsigned i = 0; i <= count; i++) {
            ria_buf_add_char(out, digits[group >> (18 - 6 * i) & 0x3fU]);
        }
    }
}
