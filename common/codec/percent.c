/* SPDX-License-Identifier: MIT
 *
 * Percent-encoding and hexadecimal. isalnum() is not asked: its answer depends on the locale. */
#include "codec/percent.h"

#include <stdbool.h>
#include <string.h>

static bool is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void ria_percent_add(struct ria_buf *out, const char *bytes, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (is_unreserved(c)) {
            ria_buf_add_char(out, (char)c);
        } else {
            char code[] = {'%', digits[c >> 4], digits[c & 0xf]};
            ria_buf_add(out, code, sizeof(code));
        }
    }
}

void ria_hex_add(struct ria_buf *out, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        char pair[] = {digits[bytes[i] >> 4], digits[bytes[i] & 0xf]};
        ria_buf_add(out, pair, sizeof(pair));
    }
}
