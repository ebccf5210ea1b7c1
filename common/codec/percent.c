/* SPDX-License-Identifier: MIT
 *
 * Implements percent-encoding and hexadecimal. The decoder rejects hexadecimal digits in lower
 * case, and a character that the encoder would encode. */
#include "codec/percent.h"

#include "base/ascii.h"

#include <endian.h>
#include <string.h>

/* One bit for each byte that is not encoded: - . 0-9, A-Z _ a-z ~. */
static const uint64_t unreserved[4] = {
    UINT64_C(0x03ff600000000000),
    UINT64_C(0x47fffffe87fffffe),
};

static bool is_unreserved(char c)
{
    unsigned char byte = (unsigned char)c;
    return (unreserved[byte / 64] >> (byte % 64) & 1) != 0;
}

static const char upper_digits[] = RIA_DIGITS "ABCDEF";

/* A word of eight equal bytes. */
#define EIGHT(byte) (UINT64_C(0x0101010101010101) * (byte))

/* For each byte of `bytes` from `least` to `most`, sets bit 7 of the corresponding byte of the
 * result. The other bits of the result have no meaning. Bit 7 of each byte of `bytes` must be 0,
 * and `least` must be above 0. */
#define EIGHT_IN_RANGE(bytes, least, most)                                                         \
    (((bytes) + EIGHT(0x80 - (least))) & ~((bytes) + EIGHT(0x7f - (most))))

/* Compares eight bytes at once. For each byte that is neither an ASCII letter nor a digit, sets bit
 * 7 of the corresponding byte of the result. The first byte corresponds to the lowest byte of the
 * result. */
static uint64_t find_others(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    word = le64toh(word);
    uint64_t ascii = word & EIGHT(0x7f);
    uint64_t letters = EIGHT_IN_RANGE(ascii | EIGHT(0x20), 'a', 'z');
    uint64_t digits = EIGHT_IN_RANGE(ascii, '0', '9');
    return ~((letters | digits) & ~word) & EIGHT(0x80);
}

static char *write_byte(char *out, char byte)
{
    unsigned char c = (unsigned char)byte;
    if (is_unreserved(byte)) {
        *out++ = byte;
    } else {
        *out++ = '%';
        *out++ = upper_digits[c >> 4];
        *out++ = upper_digits[c & 0xf];
    }
    return out;
}

/* Most texts consist of letters and digits, which are copied eight at a time. If one of the eight
 * bytes is another character, the bytes before it are copied, and this character is written
 * separately. */
char *ria_percent_write(char *out, const char *bytes, size_t len)
{
    const char *end = bytes + len;
    while ((size_t)(end - bytes) >= sizeof(uint64_t)) {
        uint64_t others = find_others(bytes);
        memcpy(out, bytes, sizeof(others));
        if (others == 0) {
            bytes += sizeof(others);
            out += sizeof(others);
            continue;
        }
        size_t before = (size_t)__builtin_ctzll(others) / 8;
        out = write_byte(out + before, bytes[before]);
        bytes += before + 1;
    }
    while (bytes < end) {
        out = write_byte(out, *bytes++);
    }
    return out;
}

void ria_percent_add(struct ria_buf *out, const char *bytes, size_t len)
{
    size_t need = len;
    for (size_t i = 0; i < len; i++) {
        need += is_unreserved(bytes[i]) ? 0 : 2;
    }
    char *room = ria_buf_reserve(out, need);
    if (room != NULL) {
        (void)ria_percent_write(room, bytes, len);
        ria_buf_grown(out, need);
    }
}

void ria_hex_add(struct ria_buf *out, const uint8_t *bytes, size_t len)
{
    char *room = ria_buf_reserve(out, 2 * len);
    if (room != NULL) {
        ria_hex_write(bytes, len, room);
        ria_buf_grown(out, 2 * len);
    }
}

/* Writes the eight digits of four bytes. Each half of a byte (4 bits) has a byte of its own in
 * `halves`, and all eight halves become digits at once. A half above 9 becomes a letter: only for
 * such a half, the sum with 6 is 16 or more. The code of 'a' is 39 above the code of ':', the
 * character that follows '9'. */
static void write_eight_digits(const uint8_t bytes[4], char out[8])
{
    static const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t apart = (uint64_t)bytes[0] | ((uint64_t)bytes[1] << 16) | ((uint64_t)bytes[2] << 32) |
                     ((uint64_t)bytes[3] << 48);
    uint64_t halves = ((apart >> 4) & UINT64_C(0x000f000f000f000f)) |
                      ((apart & UINT64_C(0x000f000f000f000f)) << 8);
    uint64_t letters = ((halves + (6 * each)) >> 4) & each;
    uint64_t text = htole64(halves + ('0' * each) + (39 * letters));
    memcpy(out, &text, sizeof(text));
}

void ria_hex_write(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = RIA_HEX_DIGITS;
    size_t i = 0;
    for (; i + 4 <= len; i += 4) {
        write_eight_digits(bytes + i, out);
        out += 8;
    }
    for (; i < len; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 0xf];
    }
    *out = '\0';
}

/* Returns the value of an upper-case hexadecimal digit, or -1. */
static int digit_value(char c)
{
    const char *digit = c == '\0' ? NULL : strchr(upper_digits, c);
    return digit == NULL ? -1 : (int)(digit - upper_digits);
}

bool ria_percent_decode(const char **at, char *out)
{
    const char *text = *at;
    if (is_unreserved(*text)) {
        *out = *text;
        *at += 1;
        return true;
    }
    int high = *text == '%' ? digit_value(text[1]) : -1;
    int low = high >= 0 ? digit_value(text[2]) : -1;
    if (low < 0) {
        return false;
    }
    *out = (char)((high * 16) + low);
    *at += 3;
    return true;
}
