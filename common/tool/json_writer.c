/* SPDX-License-Identifier: MIT
 *
 * Writes JSON. For each open object or array, a stack contains two flags, which determine whether
 * the next value needs a comma and a name. If a call would make an invalid JSON document,
 * ria_json_writer_finish() later returns NULL. */
#include "tool/json_writer.h"

enum {
    REPLACEMENT = 0xfffd /* U+FFFD, for a byte that is not part of valid UTF-8 */
};

static void json_writer_indent(struct ria_json_writer *json)
{
    ria_buf_add_char(json->out, '\n');
    for (unsigned i = 0; i < json->depth; i++) {
        ria_buf_add_text(json->out, "  ");
    }
}

/* Appends one character of a string. */
static void json_writer_add_character(struct ria_buf *out, uint32_t code)
{
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letter[] = "\"\\bfnrt";
    const char *found = code < 0x80 ? strchr(plain, (int)code) : NULL;
    if (found != NULL) {
        ria_buf_add_char(out, '\\');
        ria_buf_add_char(out, letter[found - plain]);
    } else if (code >= ' ' && code <= '~') {
        ria_buf_add_char(out, (char)code);
    } else if (code > 0xffff) {
        unsigned offset = code - 0x10000;
        ria_buf_addf(out, "\\u%04x\\u%04x", 0xd800 + (offset >> 10U), 0xdc00 + (offset & 0x3ffU));
    } else {
        ria_buf_addf(out, "\\u%04x", (unsigned)code);
    }
}

static void json_writer_add_string(struct ria_buf *out, const char *text)
{
    ria_buf_add_char(out, '"');
    while (*text != '\0') {
        uint32_t code = REPLACEMENT;
        size_t len = ria_text_decode(text, &code);
        json_writer_add_character(out, code);
        text += len == 0 ? 1 : len;
    }
    ria_buf_add_char(out, '"');
}

/* Writes the text that precedes a value: a comma, a new line, the name. Returns false if a value at
 * this place would be invalid JSON. */
static bool json_writer_begin(struct ria_json_writer *json, const char *name)
{
    bool is_root = json->depth == 0;
    bool needs_name = !is_root && !json->is_array[json->depth - 1];
    if (json->failed || (is_root && json->has_root) || needs_name != (name != NULL)) {
        json->failed = true;
        return false;
    }
    if (is_root) {
        json->has_root = true;
        return true;
    }
    if (json->has_values[json->depth - 1]) {
        ria_buf_add_char(json->out, ',');
    }
    json->has_values[json->depth - 1] = true;
    json_writer_indent(json);
    if (name != NULL) {
        json_writer_add_string(json->out, name);
        ria_buf_add_text(json->out, ": ");
    }
    return true;
}

static void json_writer_open(struct ria_json_writer *json, const char *name, bool is_array)
{
    if (json->depth == RIA_JSON_WRITER_DEPTH) {
        json->failed = true;
    }
    if (json_writer_begin(json, name)) {
        ria_buf_add_char(json->out, (char)(is_array ? '[' : '{'));
        json->is_array[json->depth] = is_array;
        json->has_values[json->depth] = false;
        json->depth++;
    }
}

void ria_json_writer_object(struct ria_json_writer *json, const char *name)
{
    json_writer_open(json, name, false);
}

void ria_json_writer_array(struct ria_json_writer *json, const char *name)
{
    json_writer_open(json, name, true);
}

void ria_json_writer_end(struct ria_json_writer *json)
{
    if (json->failed || json->depth == 0) {
        json->failed = true;
        return;
    }
    json->depth--;
    if (json->has_values[json->depth]) {
        json_writer_indent(json);
    }
    ria_buf_add_char(json->out, (char)(json->is_array[json->depth] ? ']' : '}'));
}

void ria_json_writer_text(struct ria_json_writer *json, const char *name, const char *text)
{
    if (text == NULL) {
        ria_json_writer_null(json, name);
    } else if (json_writer_begin(json, name)) {
        json_writer_add_string(json->out, text);
    }
}

void ria_json_writer_number(struct ria_json_writer *json, const char *name, int64_t number)
{
    if (json_writer_begin(json, name)) {
        ria_buf_addf(json->out, "%lld", (long long)number);
    }
}

void ria_json_writer_boolean(struct ria_json_writer *json, const char *name, bool value)
{
    if (json_writer_begin(json, name)) {
        ria_buf_add_text(json->out, value ? "true" : "false");
    }
}

void ria_json_writer_null(struct ria_json_writer *json, const char *name)
{
    if (json_writer_begin(json, name)) {
        ria_buf_add_text(json->out, "null");
    }
}

const char *ria_json_writer_finish(struct ria_json_writer *json)
{
    if (json->failed || json->depth > 0 || !json->has_root) {
        return NULL;
    }
    ria_buf_add_char(json->out, '\n');
    return ria_buf_text(json->out);
}
