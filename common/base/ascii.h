/* SPDX-License-Identifier: MIT
 *
 * Texts byte by byte: ASCII's letters, digits and blanks, comparisons without case, port numbers,
 * and a hash. The functions of <ctype.h> and strcasecmp() are not used: they depend on the locale
 * of the host program, and in a Turkish one I and i are not the same letter. A byte above 127 is
 * neither letter, digit, blank nor control character here. Pure functions, for any thread.
 */
#ifndef RIA_BASE_ASCII_H
#define RIA_BASE_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Sets of characters for strspn() and its kin. */
#define RIA_DIGITS "0123456789"
#define RIA_HEX_DIGITS RIA_DIGITS "abcdef" /* as ria_hex_write() writes them */
#define RIA_LOWER_LETTERS "abcdefghijklmnopqrstuvwxyz"
#define RIA_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" RIA_LOWER_LETTERS
#define RIA_ALNUM RIA_LETTERS RIA_DIGITS
#define RIA_BLANKS " \t\r\n" /* of an empty value, and at the end of a file with one value */

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

/* What isspace() answers in the C locale: blank, tab, newline, \v, \f, \r. */
static inline bool ria_ascii_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Whether a text is empty or holds nothing but blanks. */
static inline bool ria_ascii_is_blank(const char *text)
{
    return text[strspn(text, RIA_BLANKS)] == '\0';
}

static inline bool ria_ascii_is_control(char c)
{
    return (c >= '\0' && c < ' ') || c == 0x7f;
}

static inline char ria_ascii_lower(char c)
{
    return (char)(ria_ascii_is_upper(c) ? c - 'A' + 'a' : c);
}

/* Compares without the case of letters: whole texts, and the first len bytes of two texts that have
 * as many. */
bool ria_ascii_same(const char *a, const char *b);
bool ria_ascii_same_bytes(const char *a, const char *b, size_t len);

/* Whether a text begins with another one, without the case of letters. */
bool ria_ascii_begins(const char *text, const char *prefix);

/* Reads a port: one to five decimal digits and nothing else, 1 to 65535. Returns 0 for every other
 * text. */
uint16_t ria_port_parse(const char *text);

/* FNV-1a of 64 bits, for hash tables and for comparing texts that no attacker chooses: begin with
 * RIA_HASH_START, add one byte at a time. ria_hash() does so for a whole text. */
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
