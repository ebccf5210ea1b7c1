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

static size_t encoded_len(const char *bytes, size_t len)
{
    size_t total = 0;
    for (size_t i = 0; i < len; i++) {
        total += is_unreserved((unsigned char)bytes[i]) ? 1 : 3;
    }
    return total;
}

void ria_percent_add(struct ria_buf *out, const char *bytes, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t total = encoded_len(bytes, len);
    char *at = ria_buf_reserve(out, total);
    if (at == NULL) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (is_unreserved(c)) {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = digits[c >> 4];
            *at++ = digits[c & 0xf];
        }
    }
    ria_buf_grown(out, total);
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
