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

const char *ria_text_quote(const char *name, char out[RIA_QUOTED_SIZE])
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "@%+=:,./_-";
    static const char quote[] = "'\"'\"'"; /* ends the quotes, and begins them again */
    enum {
        END = sizeof("...'")
    };
    if (*name != '\0' && name[strspn(name, plain)] == '\0') {
        (void)ria_text_copy(out, RIA_QUOTED_SIZE, name);
        return out;
    }
    size_t len = 0;
    out[len++] = '\'';
    for (; *name != '\0'; name++) {
        bool is_quote = *name == '\'';
        size_t more = is_quote ? sizeof(quote) - 1 : 1;
        if (len + more + END > RIA_QUOTED_SIZE) {
            while (len > 1 && is_continuation(*name) && (unsigned char)out[len - 1] >= 0x80) {
                name--;
                len--;
            }
            memcpy(out + len, "...", 3);
            len += 3;
            break;
        }
        memcpy(out + len, is_quote ? quote : name, more);
        len += more;
    }
    out[len++] = '\'';
    out[len] = '\0';
    return out;
}

/* Copies one word to *to, without its quotes. NULL: a quote is not closed; else the end. */
static const char *take_word(const char *at, char **to)
{
    char quote = '\0';
    for (; *at != '\0' && (quote != '\0' || (*at != ' ' && *at != '\t')); at++) {
        bool is_escaped =
            *at == '\\' && quote != '\'' && (quote == '\0' || at[1] == '"' || at[1] == '\\');
        if (is_escaped && at[1] == '\0') {
            return NULL;
        }
        if (is_escaped) {
            *(*to)++ = *++at;
        } else if (quote == '\0' && (*at == '"' || *at == '\'')) {
            quote = *at;
        } else if (quote != '\0' && *at == quote) {
            quote = '\0';
        } else {
            *(*to)++ = *at;
        }
    }
    return quote == '\0' ? at : NULL;
}

bool ria_text_unquote(char *text)
{
    if (*text != '\0' && strpbrk(text, "\"'\\ \t") == NULL) {
        return true;
    }
    char *to = text;
    const char *end = take_word(text + strspn(text, " \t"), &to);
    bool is_one = end != NULL && end[strspn(end, " \t")] == '\0' && to != text;
    if (is_one) {
        *to = '\0';
    }
    return is_one;
}
