/* SPDX-License-Identifier: MIT
 *
 * Percent-encoding and hexadecimal. isalnum() is not asked: its answer depends on the locale. */
#include "codec/percent.h"

#include <stdbool.h>

static bool is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* What stays as it is is appended in one piece. */
void ria_percent_add(struct ria_buf *out, const char *bytes, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < len; i++) {
        size_t start = i;
        while (i < len && is_unreserved((unsigned char)bytes[i])) {
            i++;
        }
        ria_buf_add(out, bytes + start, i - start);
        if (i < len) {
            unsigned char c = (unsigned char)bytes[i];
            char code[] = {'%', digits[c >> 4], digits[c & 0xf]};
            ria_buf_add(out, code, sizeof(code));
        }
    }
}

void ria_hex_add(struct ria_buf *out, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *at = ria_buf_reserve(out, 2 * len);
    if (at == NULL) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 0xf];
    }
    ria_buf_grown(out, 2 * len);
}
