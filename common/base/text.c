/* SPDX-License-Identifier: MIT
 *
 * Copies, formats, quotes and unquotes texts. If a text is too long, cuts it, but never inside a
 * UTF-8 character. Rejects a quote that is not closed. Decodes UTF-8 strictly. */
#include "base/text.h"

#include "base/ascii.h"

#include <stdio.h>
#include <string.h>

static bool text_is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Replaces the end of a full array by "...", without leaving part of a UTF-8 character before it.
 */
static void mark_cut(char *text, size_t size)
{
    size_t end = size - sizeof("...");
    while (end > 0 && text_is_continuation(text[end])) {
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

enum {
    QUOTED_END = sizeof("...'")
};

/* Ends a cut name in "...". out contains *len bytes, and `name` points at the first byte of the
 * name that was not copied. */
static void mark_cut_name(char *out, size_t *len, const char *name)
{
    for (; *len > 1 && text_is_continuation(*name); name--) {
        (*len)--;
    }
    for (int i = 0; i < 3; i++) {
        out[(*len)++] = '.';
    }
}

/* Writes the name in single quotes, and cuts it if it does not fit. */
static void quote_name(const char *name, char *out)
{
    static const char quote[] =
        "'\"'\"'"; /* closes the quotes, adds a quote, and opens quotes again */
    size_t len = 0;
    out[len++] = '\'';
    for (; *name != '\0'; name++) {
        bool is_quote = *name == '\'';
        size_t more = is_quote ? sizeof(quote) - 1 : 1;
        if (len + more + QUOTED_END > RIA_QUOTED_SIZE) {
            mark_cut_name(out, &len, name);
            break;
        }
        memcpy(out + len, is_quote ? quote : name, more);
        len += more;
    }
    out[len++] = '\'';
    out[len] = '\0';
}

const char *ria_text_quote(const char *name, char out[RIA_QUOTED_SIZE])
{
    static const char plain[] = RIA_ALNUM "@%+=:,./_-";
    if (*name != '\0' && name[strspn(name, plain)] == '\0') {
        (void)ria_text_copy(out, RIA_QUOTED_SIZE, name);
    } else {
        quote_name(name, out);
    }
    return out;
}

/* Returns whether a backslash at `at` escapes the next character. Outside quotes, a backslash
 * always escapes. In double quotes, it escapes only a double quote or another backslash. In single
 * quotes, it never escapes. */
static bool is_escape(const char *at, char quote)
{
    return *at == '\\' && (quote == '\0' || (quote == '"' && (at[1] == '"' || at[1] == '\\')));
}

static bool is_end_of_word(char c, char quote)
{
    return c == '\0' || (quote == '\0' && (c == ' ' || c == '\t'));
}

/* Copies one word to *to, without its quotes. Returns the end of the word, or NULL if a quote is
 * not closed. */
static const char *text_unquote_word(const char *at, char **to)
{
    char quote = '\0';
    for (; !is_end_of_word(*at, quote); at++) {
        bool begins = quote == '\0' && (*at == '"' || *at == '\'');
        bool is_escaped = is_escape(at, quote);
        at += is_escaped ? 1 : 0;
        if (*at == '\0') {
            return NULL;
        }
        if (!is_escaped && (begins || *at == quote)) {
            quote = (char)(begins ? *at : '\0');
        } else {
            *(*to)++ = *at;
        }
    }
    return quote == '\0' ? at : NULL;
}

bool ria_text_unquote(char *text)
{
    if (*text != '\0' && text[strcspn(text, "\"'\\ \t")] == '\0') {
        return true;
    }
    char *to = text;
    const char *end = text_unquote_word(text + strspn(text, " \t"), &to);
    bool is_one = end != NULL && end[strspn(end, " \t")] == '\0' && to != text;
    if (is_one) {
        *to = '\0';
    }
    return is_one;
}

/* Well-formed UTF-8 of two to four bytes: table 3-7 of the Unicode Standard. */
static const struct {
    unsigned char lead_min;
    unsigned char lead_max;
    unsigned char second_min;
    unsigned char second_max;
    unsigned char len;
} sequences[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3},
    {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
};

size_t ria_text_decode(const char *text, uint32_t *code)
{
    const unsigned char *p = (const unsigned char *)text;
    if (p[0] < 0x80) {
        *code = p[0] == '\0' ? *code : p[0];
        return p[0] == '\0' ? 0 : 1;
    }
    size_t i = 0;
    size_t count = sizeof(sequences) / sizeof(sequences[0]);
    while (i < count && (p[0] < sequences[i].lead_min || p[0] > sequences[i].lead_max)) {
        i++;
    }
    if (i == count || p[1] < sequences[i].second_min || p[1] > sequences[i].second_max) {
        return 0;
    }
    size_t len = sequences[i].len;
    uint32_t found = p[0] & (0xffU >> (len + 1)); /* the lead byte begins with `len` bits of 1 and a
                                                     bit of 0 */
    for (size_t at = 1; at < len; at++) {
        if (!text_is_continuation((char)p[at])) {
            return 0;
        }
        found = found << 6U | (p[at] & 0x3fU);
    }
    *code = found;
    return len;
}

/* -- errno ----------------------------------------------------------------------------------- */

static const char *text_of_glibc(const char *text, const char *words)
{
    (void)words;
    return text;
}

static const char *text_of_posix(int failure, const char *words)
{
    return failure == 0 ? words : "an unknown error";
}

const char *ria_text_of_errno(int error, char *words, size_t size)
{
    return _Generic(strerror_r(error, words, size), char *: text_of_glibc, int: text_of_posix)(
        strerror_r(error, words, size), words);
}

char *ria_text_put_number(char *at, unsigned number)
{
    char digits[3 * sizeof(number)];
    size_t first = sizeof(digits);
    do {
        digits[--first] = (char)('0' + (number % 10));
        number /= 10;
    } while (number > 0);
    return ria_text_put(at, digits + first, sizeof(digits) - first);
}
