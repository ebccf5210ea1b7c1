/* SPDX-License-Identifier: MIT
 *
 * The dialect of ~/.aws/config and ~/.aws/credentials, read into sections and entries. Where the
 * AWS SDKs' readers disagree, this one takes what most of them take and warns about what some of
 * them drop. It does not know what a section name means, and opens no file.
 *
 *   [name]  # comment           blanks inside the brackets are trimmed; brackets may nest or be
 *                             quoted
 *   key = value ; comment       a comment needs a blank before it; keys are compared without case
 *     more                      indented deeper than the key: continues the value ("value\nmore")
 *   parent =
 *     key = value               indented under an empty value: a sub-property of parent
 *
 * A byte order mark and CR before LF are skipped. An empty line ends a continued value. A line
 * without '=', one that starts with '=', and a key in front of any section are ignored with a
 * warning. A section without its ']', a NUL byte, and a text or line over the limits fail.
 *
 * A document may hold secrets: it lives in one wiped buffer, which every string points into.
 */
#ifndef RIA_CODEC_INI_H
#define RIA_CODEC_INI_H

#include "base/buf.h"
#include "base/error.h"

/* A thousand profiles of AWS SSO are 145 KB, and public reports have files of 20,000 lines. A log
 * file that is named by mistake stops here instead of filling the memory of the host program. */
enum {
    RIA_INI_TEXT_MAX = 16 * 1024 * 1024,
    RIA_INI_LINE_MAX = 128 * 1024,
};

struct ria_ini_entry {
    const char *key;   /* lower case */
    const char *value; /* "" for the parent of sub-properties */
    unsigned line;     /* counted from 1 */
    bool is_sub;       /* belongs to the nearest entry before it that is not a sub-property */
};

struct ria_ini_section {
    const char *name;
    unsigned line;
    size_t first; /* its entries are entries[first] .. entries[first + count - 1] */
    size_t count;
};

struct ria_ini_warning {
    unsigned line;
    const char *text; /* the line, without the blanks around it; "" for one that sets no key */
    const char *what; /* static text: what is wrong; what to do */
};

struct ria_ini {
    struct ria_buf text;
    struct ria_ini_section *sections;
    size_t section_count;
    struct ria_ini_entry *entries;
    size_t entry_count;
    struct ria_ini_warning *warnings;
    size_t warning_count;
};

/* Takes the text over (the buffer is emptied) and reads it. `name` stands in errors as the file:
 * "name:line: ...". False with err filled and *out untouched. */
bool ria_ini_parse(
    const char *name, struct ria_buf *text, struct ria_ini *out, struct ria_error *err)
    RIA_MUST_USE;

/* The last entry with that key (lower case) in one section, sub-properties left out, or NULL. */
const struct ria_ini_entry *ria_ini_find(
    const struct ria_ini *ini, const struct ria_ini_section *section, const char *key);

/* The last sub-property with that key under the last entry that is its parent, or NULL. */
const struct ria_ini_entry *ria_ini_find_sub(
    const struct ria_ini *ini,
    const struct ria_ini_section *section,
    const char *parent,
    const char *key);

/* Wipes and frees everything; leaves {0}. Accepts a zeroed document. */
void ria_ini_release(struct ria_ini *ini);

#endif
