/* SPDX-License-Identifier: MIT
 *
 * Texts in arrays of a fixed size. If a text is too long, it is cut at a UTF-8 character boundary
 * and ends in "...". Also decodes UTF-8, and counts typos (typo.c). For a secret, or a text of
 * unlimited length, use a buffer (base/buf.h) instead.
 */
#ifndef RIA_BASE_TEXT_H
#define RIA_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copies a text to out, an array of `size` bytes. `size` must be at least 4. `text` may overlap
 * out. Returns false if the text was cut. */
bool ria_text_copy(char *out, size_t size, const char *text);

/* ria_text_format() and ria_text_format_args() write a formatted text to out, an array of `size`
 * bytes. `size` must be at least 4. These functions take ten times as long as ria_text_copy(). They
 * return false if the text was cut. If vsnprintf() fails, they set out to "" and return false. */
bool ria_text_format(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool ria_text_format_args(char *out, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

enum {
    RIA_QUOTED_SIZE = 128
};

/* Writes a name in the form that a shell and the AWS CLI's files accept, by the rule of Python's
 * shlex.quote(). A name that is empty or contains a space, a quote or another special character is
 * written in single quotes. Any other name is written unchanged. A name that is too long is cut.
 * The result then ends in "...", or in "..." and the closing quote. Returns out. */
const char *ria_text_quote(const char *name, char out[RIA_QUOTED_SIZE]);

/* Removes the quotes of a text in place, by the rule of Python's shlex.split(): single quotes,
 * double quotes and backslashes are removed, and adjacent pieces are joined. Returns false if
 * the text is not exactly one non-empty word, or if a quote is not closed; in these cases the text
 * may be changed. Spaces and tabs around the word are ignored. */
bool ria_text_unquote(char *text);

/* Returns the C library's description of an errno value: a static text or `words`, an array of
 * `size` bytes. glibc and other C libraries have different functions named strerror_r(), and this
 * function works with both. */
const char *ria_text_of_errno(int error, char *words, size_t size);

enum {
    RIA_TYPO_WORD_MAX = 31, /* a longer word is not compared */
};

/* Returns the number of typos that turn the name into the first `len` bytes of the word: a missing,
 * superfluous or wrong letter, or two letters in the wrong order (the optimal string alignment
 * distance). Returns SIZE_MAX for a word or a name of more than RIA_TYPO_WORD_MAX letters. */
size_t ria_typos(const char *word, size_t len, const char *name);

/* Decodes the first UTF-8 character of a text (table 3-7 of the Unicode Standard: no surrogates, no
 * overlong forms, nothing above U+10FFFF). Returns its length, 1 to 4 bytes. Returns 0 with *code
 * unchanged if the text is empty, or if it does not begin with a well-formed character. Never reads
 * beyond the NUL. */
size_t ria_text_decode(const char *text, uint32_t *code);

/* Copies len bytes to `at`. The caller has checked that they fit. Returns a pointer to the byte
 * after them. */
static inline char *ria_text_put(char *at, const void *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

/* Writes a number in decimal (up to ten digits) to `at`. Returns a pointer to the byte after the
 * last digit. */
char *ria_text_put_number(char *at, unsigned number);

/* Does the same as ria_text_put() with a string literal. */
#define RIA_TEXT_PUT(at, literal) ria_text_put((at), (literal), sizeof(literal) - 1)

#endif
