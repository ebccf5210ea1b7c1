/* SPDX-License-Identifier: MIT
 *
 * Texts in arrays of a fixed size. What does not fit is cut at a UTF-8 character and ends in "...".
 * Not for secrets, nor for texts of any length: those go into a buffer (base/buf.h).
 */
#ifndef RIA_BASE_TEXT_H
#define RIA_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Write into out, of which size is the whole: at least 4. False if the text was cut. One copies,
 * the other formats, which takes ten times as long. */
bool ria_text_copy(char *out, size_t size, const char *text);
bool ria_text_format(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool ria_text_format_args(char *out, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

enum {
    RIA_QUOTED_SIZE = 128
};

/* Writes a name as a shell and the AWS CLI's files take it, by the rule of Python's shlex.quote():
 * as it is, or in single quotes if it holds a blank, a quote or another special character. What is
 * too long is cut, inside the quotes. Returns out. */
const char *ria_text_quote(const char *name, char out[RIA_QUOTED_SIZE]);

/* Takes the quotes off a text of words in place, by the rule of Python's shlex.split(): single and
 * double quotes, backslashes, and pieces that stand together join. False if it is not exactly one
 * word that holds something. */
bool ria_text_unquote(char *text);

#endif
