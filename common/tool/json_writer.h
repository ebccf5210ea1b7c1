/* SPDX-License-Identifier: MIT
 *
 * Writes a JSON document (RFC 8259) to a buffer, indented by two spaces:
 *
 *     RIA_AUTO(buf) text = {.max = 4096};
 *     struct ria_json_writer json = {.out = &text};
 *     ria_json_writer_object(&json, NULL);
 *     ria_json_writer_text(&json, "Effect", "Allow");
 *     ria_json_writer_array(&json, "Action");
 *     ria_json_writer_text(&json, NULL, "sts:AssumeRole");
 *     ria_json_writer_end(&json);
 *     ria_json_writer_end(&json);
 *     const char *document = ria_json_writer_finish(&json);     NULL if something failed
 *
 * The document contains only ASCII characters. So a terminal in any locale can show the document.
 * IAM, which limits the characters of a policy, also accepts the document. All other characters are
 * written as \uXXXX, and a byte that is not part of valid UTF-8 as \ufffd. A writer never reads
 * what it wrote, so it does not detect a name that is used twice in an object.
 */
#ifndef RIA_TOOL_JSON_WRITER_H
#define RIA_TOOL_JSON_WRITER_H

#include "rds_iam.h"

enum {
    RIA_JSON_WRITER_DEPTH = 16 /* the largest number of objects and arrays that are nested */
};

struct ria_json_writer {
    struct ria_buf *out;
    unsigned depth;
    bool is_array[RIA_JSON_WRITER_DEPTH];
    bool has_values[RIA_JSON_WRITER_DEPTH];
    bool has_root;
    bool failed;
};

/* Each of these functions, except ria_json_writer_end(), appends one value. `name` is the name of
 * the member if the value is in an object. `name` is NULL if the value is in an array, or if it is
 * the document's outermost value, of which there is exactly one. A name in the wrong place, a
 * second outermost value and too much depth set json->failed, and ria_json_writer_finish() then
 * returns NULL. ria_json_writer_object() and ria_json_writer_array() begin a value, to which the
 * following calls append until ria_json_writer_end(). If the text is NULL, ria_json_writer_text()
 * writes null. */
void ria_json_writer_object(struct ria_json_writer *json, const char *name);
void ria_json_writer_array(struct ria_json_writer *json, const char *name);
void ria_json_writer_end(struct ria_json_writer *json);
void ria_json_writer_text(struct ria_json_writer *json, const char *name, const char *text);
void ria_json_writer_number(struct ria_json_writer *json, const char *name, int64_t number);
void ria_json_writer_boolean(struct ria_json_writer *json, const char *name, bool value);
void ria_json_writer_null(struct ria_json_writer *json, const char *name);

/* Appends a newline and returns the document, borrowed from the buffer. Returns NULL if the buffer
 * failed, if a call was wrong, or if an object or array was not ended. */
const char *ria_json_writer_finish(struct ria_json_writer *json) RIA_MUST_USE;

#endif
