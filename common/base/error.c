/* SPDX-License-Identifier: MIT
 *
 * Formats error texts into the caller's struct, without allocating memory. Replaces control
 * characters and invalid UTF-8. Cuts a text that is too long, but never inside a character. */
#include "base/error.h"

#include "base/text.h"

#include <string.h>

/* Well-formed UTF-8 of two to four bytes: table 3-7 of the Unicode Standard, without the control
 * characters U+0080 to U+009F. */
static const struct {
    unsigned char lead_min;
    unsigned char lead_max;
    unsigned char second_min;
    unsigned char second_max;
    size_t len;
} sequences[] = {
    {0xc2, 0xc2, 0xa0, 0xbf, 2},
    {0xc3, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3},
    {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static bool error_is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Returns the length in bytes of the printable character at p, or 0 if there is none. Never reads
 * beyond a NUL. */
static size_t character_len(const unsigned char *p)
{
    if (p[0] < 0x80) {
        return p[0] >= 0x20 && p[0] != 0x7f ? 1 : 0;
    }
    size_t i = 0;
    size_t count = sizeof(sequences) / sizeof(sequences[0]);
    while (i < count && (p[0] < sequences[i].lead_min || p[0] > sequences[i].lead_max)) {
        i++;
    }
    if (i == count || p[1] < sequences[i].second_min || p[1] > sequences[i].second_max) {
        return 0;
    }
    for (size_t at = 2; at < sequences[i].len; at++) {
        if (!error_is_continuation(p[at])) {
            return 0;
        }
    }
    return sequences[i].len;
}

void ria_printable(char *text)
{
    unsigned char *p = (unsigned char *)text;
    while (*p != '\0') {
        bool is_plain = *p >= 0x20 && *p < 0x7f; /* the common case */
        size_t len = is_plain ? 1 : character_len(p);
        if (len == 0) {
            *p = '?';
            len = 1;
        }
        p += len;
    }
}

/* Formats and cleans the text, and stores it with the code in *err. */
static void error_fill(struct ria_error *err, enum ria_code code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void error_fill(struct ria_error *err, enum ria_code code, const char *format, va_list args)
{
    if (err == NULL) {
        return;
    }
    /* The text is formatted into a copy, because an argument may point into the old text, as in
     * ria_fail(err, code, "%s: %s", where, err->text). */
    char text[RIA_ERROR_TEXT_MAX];
    (void)ria_text_format_args(text, sizeof(text), format, args);
    ria_printable(text);
    err->code = code;
    memcpy(err->text, text, strlen(text) + 1);
}

bool ria_fail(struct ria_error *err, enum ria_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_fill(err, code, format, args);
    va_end(args);
    return false;
}

bool ria_fail_shown(struct ria_error *err, enum ria_code code, const char *format, ...)
{
    char text[2 * RIA_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)ria_text_format_args(text, sizeof(text), format, args);
    va_end(args);
    const char *what_to_do = strlen(text) > RIA_ERROR_SHOWN_MAX ? strstr(text, "; ") : NULL;
    return ria_fail(err, code, "%s", what_to_do == NULL ? text : what_to_do + strlen("; "));
}

enum ria_outcome ria_failed(struct ria_error *err, enum ria_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_fill(err, code, format, args);
    va_end(args);
    return RIA_FAILED;
}

enum ria_outcome ria_absent(struct ria_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_fill(err, RIA_E_NO_CREDENTIALS, format, args);
    va_end(args);
    return RIA_ABSENT;
}
