/* SPDX-License-Identifier: MIT
 *
 * Locale-independent text functions: ASCII letters, digits and spaces, comparison without case,
 * port numbers, and a hash. The product does not use the functions of <ctype.h> and strcasecmp(),
 * because they depend on the locale of the host program: in a Turkish locale, I and i are not the
 * same letter. For the functions of this header, a byte above 127 is neither a letter, a digit, a
 * space nor a control character. All functions are pure and may be called from any thread.
 */
#ifndef RIA_BASE_ASCII_H
#define RIA_BASE_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Character sets for strspn() and strcspn(). */
#define RIA_DIGITS "0123456789"
#define RIA_HEX_DIGITS RIA_DIGITS "abcdef" /* as ria_hex_write() writes them */
#define RIA_LOWER_LETTERS "abcdefghijklmnopqrstuvwxyz"
#define RIA_UPPER_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define RIA_LETTERS RIA_UPPER_LETTERS RIA_LOWER_LETTERS
#define RIA_ALNUM RIA_LETTERS RIA_DIGITS
/* A text that consists only of these characters counts as blank. If a file contains a single value,
 * the code that reads the file also removes these characters from the end of the value. The code
 * that reads AWS keys from environment variables removes these characters from both ends of each
 * key. */
#define RIA_BLANKS " \t\r\n"

static inline bool ria_ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool ria_ascii_is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static inline bool ria_ascii_is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static inline bool ria_ascii_is_alnum(char c)
{
    return ria_ascii_is_lower(c) || ria_ascii_is_upper(c) || ria_ascii_is_digit(c);
}

/* Equals isspace() in the C locale: space, tab, newline, \v, \f, \r. */
static inline bool ria_ascii_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Returns whether a text is empty or consists of characters of RIA_BLANKS. */
static inline bool ria_ascii_is_blank(const char *text)
{
    return text[strspn(text, RIA_BLANKS)] == '\0';
}

static inline bool ria_ascii_is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

static inline char ria_ascii_lower(char c)
{
    return (char)(ria_ascii_is_upper(c) ? c - 'A' + 'a' : c);
}

/* Returns whether two strings are equal, ignoring the case of ASCII letters. */
bool ria_ascii_same(const char *a, const char *b);

/* Returns whether the first len bytes of two texts are equal, ignoring the case of ASCII letters.
 * Both texts must have at least len bytes. */
bool ria_ascii_same_bytes(const char *a, const char *b, size_t len);

/* Returns whether text begins with prefix, ignoring the case of ASCII letters. */
bool ria_ascii_begins(const char *text, const char *prefix);

/* Parses a port: one to five decimal digits and nothing else, with a value from 1 to 65535. Returns
 * 0 for every other text. */
uint16_t ria_port_parse(const char *text);

/* The hash is 64-bit FNV-1a. It is used for hash tables, for comparing texts that no attacker can
 * choose, and for distributing times such as renewals evenly. Start with RIA_HASH_START and add one
 * byte at a time, or call ria_hash() for a whole text. */
#define RIA_HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t ria_hash_add(uint64_t hash, char c)
{
    return (hash ^ (unsigned char)c) * UINT64_C(0x100000001b3);
}

static inline uint64_t ria_hash(uint64_t hash, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        hash = ria_hash_add(hash, text[i]);
    }
    return hash;
}

#endif
