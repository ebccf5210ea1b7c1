/* SPDX-License-Identifier: MIT
 *
 * Compares texts without regard to upper and lower case, and parses port numbers. The code that
 * signs a token and the code that decides where a login connects both parse ports with
 * ria_port_parse(), so they cannot parse one text as two different numbers. The port parser rejects
 * a sign, a space, and more than five digits.
 */
#include "base/ascii.h"

enum {
    PORT_DIGITS_MAX = sizeof("65535") - 1,
};

bool ria_ascii_same(const char *a, const char *b)
{
    while (*a != '\0' && ria_ascii_lower(*a) == ria_ascii_lower(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

bool ria_ascii_same_bytes(const char *a, const char *b, size_t len)
{
    size_t i = 0;
    while (i < len && ria_ascii_lower(a[i]) == ria_ascii_lower(b[i])) {
        i++;
    }
    return i == len;
}

bool ria_ascii_begins(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strnlen(text, len) == len && ria_ascii_same_bytes(text, prefix, len);
}

uint16_t ria_port_parse(const char *text)
{
    unsigned port = 0;
    size_t len = strspn(text, RIA_DIGITS);
    if (len > PORT_DIGITS_MAX || text[len] != '\0') {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        port = (port * 10) + (unsigned)(text[i] - '0');
    }
    return (uint16_t)(port <= UINT16_MAX ? port : 0);
}
