/* SPDX-License-Identifier: MIT
 *
 * Parses a text in place: ends each key, value and name with a NUL, and moves each continuation
 * line up to the end of the value that it continues. Makes no copy of the text, because only its
 * buffer is wiped at the end. Rejects a section line without ']', a NUL byte, a line above 128 KB
 * and a text above 16 MB. Ignores any other line that is not valid, and adds a warning.
 */
#include "codec/ini.h"

#include "base/ascii.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    const char *name;
    struct ria_ini *ini;
    struct ria_error *err;
    unsigned line;
    /* The current key is the last key that is not a sub-property. Indented lines belong to the
     * current key. */
    bool has_key;       /* false between a section line and its first key */
    bool key_is_parent; /* the key's value is empty, so indented lines are sub-properties */
    bool key_continues; /* true until an empty line follows the key's value */
    size_t key_indent;
    char *value_end; /* end of the key's value, where a continuation is appended */
};

/* A line, without the spaces and tabs at both ends. */
struct line {
    char *start;
    char *end; /* points at the NUL */
    size_t indent;
};

static bool ini_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Returns the array with room for one more item. Doubles the size of a full array. */
static void *with_room(void *items, size_t count, size_t item_size)
{
    enum {
        FIRST = 8
    };
    bool is_full = count == 0 || (count >= FIRST && (count & (count - 1)) == 0);
    if (!is_full) {
        return items;
    }
    void *larger = malloc((count == 0 ? FIRST : 2 * count) * item_size);
    if (larger != NULL && count > 0) {
        memcpy(larger, items, count * item_size);
        free(items);
    }
    return larger;
}

static bool ini_out_of_memory(struct parser *parser)
{
    return ria_fail(parser->err, RIA_E_SYSTEM, "%s: out of memory", parser->name);
}

/* Adds a warning. `text` is the line if the line may have been meant to set a key, else "". */
static bool ini_warn(struct parser *parser, const char *text, const char *what)
{
    struct ria_ini *ini = parser->ini;
    void *room = with_room(ini->warnings, ini->warning_count, sizeof(ini->warnings[0]));
    if (room == NULL) {
        return ini_out_of_memory(parser);
    }
    ini->warnings = room;
    ini->warnings[ini->warning_count++] = (struct ria_ini_warning){parser->line, text, what};
    return true;
}

/* Removes spaces and tabs at the end of a text. Writes a NUL at the new end and returns this end.
 */
static char *trimmed_end(const char *start, char *end)
{
    while (end > start && ini_is_blank(end[-1])) {
        end--;
    }
    *end = '\0';
    return end;
}

static char *skip_blanks(char *at)
{
    while (ini_is_blank(*at)) {
        at++;
    }
    return at;
}

/* Removes a comment, which starts with a '#' or ';' after a space or tab. Returns the new end of
 * the line. */
static char *cut_comment(char *start, char *end)
{
    static const char marks[] = "#;";
    for (char *at = start + strcspn(start, marks); at < end; at += 1 + strcspn(at + 1, marks)) {
        if (at > start && ini_is_blank(at[-1])) {
            at[-1] = '\0';
            return at - 1;
        }
    }
    return end;
}

/* Adds a key and its value. `equals` is the position of the line's '='. */
static bool ini_add_entry(struct parser *parser, struct line *line, char *equals, bool is_sub)
{
    struct ria_ini *ini = parser->ini;
    void *room = with_room(ini->entries, ini->entry_count, sizeof(ini->entries[0]));
    if (room == NULL) {
        return ini_out_of_memory(parser);
    }
    ini->entries = room;
    char *value_end = cut_comment(equals + 1, line->end);
    char *value = skip_blanks(equals + 1);
    value_end = value > value_end ? value : trimmed_end(value, value_end);
    (void)trimmed_end(line->start, equals);
    for (char *c = line->start; *c != '\0'; c++) {
        *c = ria_ascii_lower(*c);
    }
    ini->entries[ini->entry_count++] =
        (struct ria_ini_entry){line->start, value, parser->line, is_sub};
    ini->sections[ini->section_count - 1].count++;
    if (!is_sub) {
        parser->has_key = true;
        parser->key_is_parent = *value == '\0';
        parser->key_continues = true;
        parser->key_indent = line->indent;
        parser->value_end = value_end;
    }
    return true;
}

/* Returns the closing quote if a quoted part of a section name starts at `at`, else `at`. A quoted
 * part must follow a space or tab. */
static char *skip_quoted(const char *open, char *at)
{
    bool is_quote = (*at == '"' || *at == '\'') && at > open && ini_is_blank(at[-1]);
    char *close = is_quote ? strchr(at + 1, *at) : NULL;
    return close == NULL ? at : close;
}

/* Returns the ']' that closes the bracket at `open`, or NULL. */
static char *matching_bracket(char *open)
{
    size_t depth = 0;
    for (char *at = open; *at != '\0'; at++) {
        at = skip_quoted(open, at);
        if (*at == '[') {
            depth++;
        } else if (*at == ']' && --depth == 0) {
            return at;
        }
    }
    return NULL;
}

/* Parses a section line. Text after its ']' is ignored with a warning, unless it is a comment. */
static bool add_section(struct parser *parser, struct line *line)
{
    struct ria_ini *ini = parser->ini;
    char *close = matching_bracket(line->start);
    if (close == NULL) {
        return ria_fail(
            parser->err,
            RIA_E_CONFIG,
            "%s:%u: a section line without its closing ]; add it",
            parser->name,
            parser->line);
    }
    char *rest = skip_blanks(close + 1);
    if (*rest != '\0' && *rest != '#' && *rest != ';' &&
        !ini_warn(parser, "", "text after the closing ]; put it on a line of its own")) {
        return false;
    }
    void *room = with_room(ini->sections, ini->section_count, sizeof(ini->sections[0]));
    if (room == NULL) {
        return ini_out_of_memory(parser);
    }
    ini->sections = room;
    char *name = skip_blanks(line->start + 1);
    (void)trimmed_end(name, close);
    ini->sections[ini->section_count++] =
        (struct ria_ini_section){name, parser->line, ini->entry_count, 0};
    parser->has_key = false;
    return true;
}

/* Appends a continuation line to the value of the current key, after a newline. */
static void continue_value(struct parser *parser, struct line *line)
{
    char *end = trimmed_end(line->start, cut_comment(line->start, line->end));
    size_t len = (size_t)(end - line->start);
    *parser->value_end = '\n';
    memmove(parser->value_end + 1, line->start, len + 1);
    parser->value_end += 1 + len;
}

/* Parses a line that is indented deeper than the key above it. */
static bool ini_parse_indented(struct parser *parser, struct line *line)
{
    if (!parser->key_is_parent) {
        continue_value(parser, line);
        return true;
    }
    char *equals = strchr(line->start, '=');
    if (equals == NULL || equals == line->start) {
        return ini_warn(parser, "", "a sub-property without its =; write key = value");
    }
    return ini_add_entry(parser, line, equals, true);
}

/* Parses one line. Returns false for an error that rejects the whole text. */
static bool ini_parse_line(struct parser *parser, struct line *line)
{
    char first = *line->start;
    if (first == '\0') {
        parser->key_continues = false;
        return true;
    }
    if (first == '#' || first == ';') {
        return true;
    }
    bool belongs = parser->has_key && line->indent > parser->key_indent;
    if (belongs && (parser->key_is_parent || parser->key_continues)) {
        return ini_parse_indented(parser, line);
    }
    if (first == '[') {
        return add_section(parser, line);
    }
    if (parser->ini->section_count == 0) {
        return ini_warn(parser, "", "a line before the first [section]; move it below one");
    }
    char *equals = strchr(line->start, '=');
    const char *colon = strchr(line->start, ':');
    if (colon != NULL && (equals == NULL || colon < equals)) {
        return ini_warn(parser, line->start, "a colon instead of the =; write key = value");
    }
    if (equals == NULL) {
        return ini_warn(parser, line->start, "a line without its =; write key = value");
    }
    if (equals == line->start) {
        return ini_warn(parser, line->start, "a line that starts with =; write key = value");
    }
    return ini_add_entry(parser, line, equals, false);
}

/* Rejects a text that is too long or contains a NUL byte. */
static bool check_text(struct parser *parser, const struct ria_buf *text)
{
    if (ria_buf_text(text) == NULL) {
        return ini_out_of_memory(parser);
    }
    if (text->len > RIA_INI_TEXT_MAX) {
        return ria_fail(
            parser->err,
            RIA_E_CONFIG,
            "%s: is larger than %d MiB, the limit; remove what is not needed, or name another file",
            parser->name,
            RIA_INI_TEXT_MAX / (1024 * 1024));
    }
    const char *nul = text->len == 0 ? NULL : memchr(text->data, '\0', text->len);
    if (nul == NULL) {
        return true;
    }
    unsigned line = 1;
    for (const char *at = text->data; at < nul; at++) {
        line += *at == '\n' ? 1 : 0;
    }
    return ria_fail(
        parser->err,
        RIA_E_CONFIG,
        "%s:%u: a NUL byte; save the file as plain text",
        parser->name,
        line);
}

/* Splits the text into lines, removes their line ends, and parses each. */
static bool ini_parse_lines(struct parser *parser, char *at, char *end)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    if (strncmp(at, byte_order_mark, 3) == 0) {
        at += 3;
    }
    while (at < end) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        char *next = newline == NULL ? end : newline + 1;
        newline = newline == NULL ? end : newline;
        parser->line++;
        if (newline - at > RIA_INI_LINE_MAX) {
            return ria_fail(
                parser->err,
                RIA_E_CONFIG,
                "%s:%u: the line is longer than %d bytes, the limit; shorten it",
                parser->name,
                parser->line,
                RIA_INI_LINE_MAX);
        }
        if (newline > at && newline[-1] == '\r') {
            newline--;
        }
        struct line line = {.start = skip_blanks(at)};
        line.indent = (size_t)(line.start - at);
        line.start = line.start > newline ? newline : line.start;
        line.end = trimmed_end(line.start, newline);
        if (!ini_parse_line(parser, &line)) {
            return false;
        }
        at = next;
    }
    return true;
}

bool ria_ini_parse(
    const char *name, struct ria_buf *text, struct ria_ini *out, struct ria_error *err)
{
    struct ria_ini ini = {.text = {.max = RIA_INI_TEXT_MAX}};
    struct parser parser = {.name = name, .ini = &ini, .err = err};
    if (!check_text(&parser, text)) {
        return false;
    }
    ria_buf_move(&ini.text, text);
    if (ini.text.data != NULL &&
        !ini_parse_lines(&parser, ini.text.data, ini.text.data + ini.text.len)) {
        ria_ini_release(&ini);
        return false;
    }
    *out = ini;
    return true;
}

const struct ria_ini_entry *ria_ini_find(
    const struct ria_ini *ini, const struct ria_ini_section *section, const char *key)
{
    for (size_t i = section->first + section->count; i > section->first; i--) {
        const struct ria_ini_entry *entry = &ini->entries[i - 1];
        if (!entry->is_sub && strcmp(entry->key, key) == 0) {
            return entry;
        }
    }
    return NULL;
}

const struct ria_ini_entry *ria_ini_find_sub(
    const struct ria_ini *ini,
    const struct ria_ini_section *section,
    const char *parent,
    const char *key)
{
    const struct ria_ini_entry *top = ria_ini_find(ini, section, parent);
    const struct ria_ini_entry *end = &ini->entries[section->first + section->count];
    const struct ria_ini_entry *found = NULL;
    for (const struct ria_ini_entry *at = top; at != NULL && ++at < end && at->is_sub;) {
        if (strcmp(at->key, key) == 0) {
            found = at;
        }
    }
    return found;
}

void ria_ini_release(struct ria_ini *ini)
{
    ria_buf_release(&ini->text);
    free(ini->sections);
    free(ini->entries);
    free(ini->warnings);
    *ini = (struct ria_ini){0};
}
