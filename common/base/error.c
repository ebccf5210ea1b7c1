/* SPDX-License-Identifier: MIT
 *
 * Formats error texts into the caller's struct, without allocating memory. Replaces control
 * characters, line separators, direction marks and invalid UTF-8. Cuts a text that is too long, but
 * never inside a character. */
#include "base/error.h"

#include "base/text.h"

#include <string.h>

/* Characters that a terminal or a reader of logs may take for a command: control characters, the
 * separators of lines and paragraphs, and the marks that change the direction of the text. */
static const struct {
    uint32_t first;
    uint32_t last;
} unprintable[] = {
    {0x00, 0x1f},
    {0x7f, 0x9f},
    {0x61c, 0x61c},
    {0x200e, 0x200f},
    {0x2028, 0x202e},
    {0x2066, 0x2069},
};

/* Returns the length in bytes of the character at p, or 0 if it is not printable. Never reads
 * beyond a NUL. */
static size_t character_len(const char *p)
{
    uint32_t code = 0;
    size_t len = ria_text_decode(p, &code);
    for (size_t i = 0; i < sizeof(unprintable) / sizeof(unprintable[0]); i++) {
        if (code >= unprintable[i].first && code <= unprintable[i].last) {
            return 0;
        }
    }
    return len;
}

/* Returns a pointer to the first byte that is not printable ASCII. Most texts have none but the
 * NUL. */
static char *skip_plain(char *p)
{
    while (*p >= 0x20 && *p < 0x7f) {
        p++;
    }
    return p;
}

void ria_printable(char *text)
{
    for (char *p = skip_plain(text); *p != '\0'; p = skip_plain(p)) {
        size_t len = character_len(p);
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
