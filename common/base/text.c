/* SPDX-License-Identifier: MIT
 *
 * Copying, formatting and comparing. */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Ends a full array in "..." without half a UTF-8 character in front of it. */
static void mark_cut(char *text, size_t size)
{
    size_t end = size - sizeof("...");
    while (end > 0 && is_continuation(text[end])) {
        end--;
    }
    memcpy(text + end, "...", sizeof("..."));
}

bool ria_text_copy(char *out, size_t size, const char *text)
{
    size_t len = strlen(text);
    bool fits = len < size;
    memmove(out, text, fits ? len + 1 : size);
    if (!fits) {
        mark_cut(out, size);
    }
    return fits;
}

bool ria_text_format_args(char *out, size_t size, const char *format, va_list args)
{
    int len = vsnprintf(out, size, format, args);
    if (len < 0) {
        out[0] = '\0';
        return false;
    }
    bool fits = (size_t)len < size;
    if (!fits) {
        mark_cut(out, size);
    }
    return fits;
}

bool ria_text_format(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool fits = ria_text_format_args(out, size, format, args);
    va_end(args);
    return fits;
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool ria_text_same(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}
