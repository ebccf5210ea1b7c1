/* SPDX-License-Identifier: MIT
 *
 * Error texts: formatting, cutting and cleaning. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ria_printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            *p = '?';
        }
    }
}

/* Ends a full buffer in "..." without leaving half a UTF-8 character in front of it. */
static void mark_cut(char *text, size_t size)
{
    size_t end = size - sizeof("...");
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80) {
        end--;
    }
    memcpy(text + end, "...", sizeof("..."));
}

static void fill(struct ria_error *err, enum ria_code code, const char *format, va_list args)
{
    if (err == NULL) {
        return;
    }
    /* The arguments may point into the old text ("%s: %s", where, err->text). */
    char text[RIA_ERROR_TEXT_MAX];
    int written = vsnprintf(text, sizeof(text), format, args);
    if (written < 0) {
        text[0] = '\0';
    } else if ((size_t)written >= sizeof(text)) {
        mark_cut(text, sizeof(text));
    }
    ria_printable(text);
    err->code = code;
    memcpy(err->text, text, sizeof(text));
}

bool ria_fail(struct ria_error *err, enum ria_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    return false;
}

enum ria_outcome ria_failed(struct ria_error *err, enum ria_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    return RIA_FAILED;
}

enum ria_outcome ria_absent(struct ria_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, RIA_E_NO_CREDENTIALS, format, args);
    va_end(args);
    return RIA_ABSENT;
}
