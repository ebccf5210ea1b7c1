/* SPDX-License-Identifier: MIT
 *
 * Parser for the ini dialect of ~/.aws/config and ~/.aws/credentials. It splits a text into
 * sections and entries. Where the parsers of the AWS SDKs disagree, this parser accepts what most
 * of them accept, and warns about lines that some of them ignore. It does not interpret section
 * names, and opens no file.
 *
 *   [name]  # comment           spaces at both ends of the name are removed; a name may contain
 *                               nested or quoted brackets
 *   key = value ; comment       a comment needs a space before it; keys are case-insensitive
 *     more                      indented deeper than the key: continues the value ("value\nmore")
 *   parent =
 *     key = value               indented below an empty value: a sub-property of parent
 *
 * A tab counts as a space. A byte order mark, and a CR before an LF, are skipped. An empty line
 * ends a continued value. A line without '=', a line with ':' before its '=', a line that starts
 * with '=', a line before the first section, and text after a section's ']' are ignored with a
 * warning. A section line without ']', a NUL byte, and a text or line over the limits are errors.
 *
 * A document may contain secrets. It is stored in one buffer, which is wiped when it is released.
 * All strings point into that buffer.
 */
#ifndef RIA_CODEC_INI_H
#define RIA_CODEC_INI_H

#include "base/buf.h"
#include "base/error.h"

/* A file with a thousand AWS SSO profiles has 145 KB, and public reports mention files of 20,000
 * lines. If a user configures a large log file as the settings file by mistake, the limit prevents
 * this file from filling the host program's memory. */
enum {
    RIA_INI_TEXT_MAX = 16 * 1024 * 1024,
    RIA_INI_LINE_MAX = 128 * 1024,
};

struct ria_ini_entry {
    const char *key;   /* in lower case */
    const char *value; /* "" for the parent of sub-properties */
    unsigned line;     /* counted from 1 */
    bool is_sub;       /* a sub-property; its parent is the last entry before it that is not a
                          sub-property */
};

struct ria_ini_section {
    const char *name;
    unsigned line;
    size_t first; /* its entries are entries[first] to entries[first + count - 1] */
    size_t count;
};

struct ria_ini_warning {
    unsigned line;
    const char *text; /* the line without spaces at its ends; "" if it cannot contain a key */
    const char *what; /* static string: what is wrong; what to do */
};

struct ria_ini {
    struct ria_buf text;
    struct ria_ini_section *sections;
    size_t section_count;
    struct ria_ini_entry *entries;
    size_t entry_count;
    struct ria_ini_warning *warnings; /* sorted by line */
    size_t warning_count;
};

/* Parses a text, and takes ownership of its bytes, so that *text is empty afterwards. Error
 * messages begin with `name`, the path of the file: "name:line: ...". On failure, returns false
 * with err filled, and *out is untouched. */
bool ria_ini_parse(
    const char *name, struct ria_buf *text, struct ria_ini *out, struct ria_error *err)
    RIA_MUST_USE;

/* Searches a section for a key (lower case). Returns the last entry that has this key, or NULL.
 * Ignores sub-properties.
 */
const struct ria_ini_entry *ria_ini_find(
    const struct ria_ini *ini, const struct ria_ini_section *section, const char *key);

/* Returns the last sub-property with this key below the last entry with the key `parent`, or NULL.
 */
const struct ria_ini_entry *ria_ini_find_sub(
    const struct ria_ini *ini,
    const struct ria_ini_section *section,
    const char *parent,
    const char *key);

/* Wipes and frees the document and zeroes it. Accepts a zeroed document. */
void ria_ini_release(struct ria_ini *ini);

#endif
