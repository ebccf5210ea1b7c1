/* SPDX-License-Identifier: MIT
 *
 * Parses, changes and writes JSON objects with jansson. Unlike json.c, keeps all members of a
 * document, so that a token file of the AWS CLI can be written back. Rejects duplicate names and a
 * text that is not an object. Also rejects a document if memory ran out while it was parsed,
 * because jansson (2.14) then leaves characters out of a text and reports no error. */
#include "fetch/document.h"

#include "base/timestamp.h"
#include "fetch/wiped.h"

#include <jansson.h>

void *ria_document_parse(const struct ria_buf *text)
{
    const char *bytes = text->data == NULL ? "" : text->data;
    ria_wiped_forget_failures();
    json_t *root = json_loadb(bytes, text->len, JSON_REJECT_DUPLICATES, NULL);
    if (ria_wiped_has_failed()) {
        json_decref(root);
        root = NULL;
    }
    return root;
}

bool ria_document_read(const struct ria_buf *text, struct ria_document *out)
{
    json_t *root = ria_document_parse(text);
    if (!json_is_object(root)) {
        json_decref(root);
        root = NULL;
    }
    out->root = root;
    return root != NULL;
}

static json_t *find_object(const struct ria_document *document, const char *parent)
{
    json_t *root = document->root;
    return parent == NULL ? root : json_object_get(root, parent);
}

bool ria_document_text(
    const struct ria_document *document, const char *parent, const char *name, struct ria_buf *out)
{
    const json_t *member = json_object_get(find_object(document, parent), name);
    ria_buf_clear(out);
    if (json_string_length(member) == 0) {
        return false;
    }
    ria_buf_add(out, json_string_value(member), json_string_length(member));
    return ria_buf_text(out) != NULL;
}

bool ria_document_number(
    const struct ria_document *document, const char *parent, const char *name, int64_t *out)
{
    const json_t *member = json_object_get(find_object(document, parent), name);
    if (!json_is_integer(member)) {
        return false;
    }
    *out = json_integer_value(member);
    return true;
}

bool ria_document_time(
    const struct ria_document *document, const char *parent, const char *name, int64_t *out)
{
    RIA_AUTO(buf) text = {.max = 64};
    return ria_document_text(document, parent, name, &text) && ria_timestamp_parse(text.data, out);
}

bool ria_document_set(
    struct ria_document *document, const char *parent, const char *name, const char *text)
{
    json_t *object = find_object(document, parent);
    return json_is_object(object) && json_object_set_new(object, name, json_string(text)) == 0;
}

bool ria_document_set_time(
    struct ria_document *document, const char *parent, const char *name, int64_t when)
{
    char text[RIA_TIMESTAMP_EXTENDED_SIZE];
    if (!ria_timestamp_format_extended(when, text)) {
        return false;
    }
    return ria_document_set(document, parent, name, text);
}

static int document_append(const char *bytes, size_t len, void *self)
{
    struct ria_buf *out = self;
    ria_buf_add(out, bytes, len);
    return out->failed ? -1 : 0;
}

bool ria_document_write(const struct ria_document *document, struct ria_buf *out)
{
    return json_dump_callback(document->root, document_append, out, JSON_ENSURE_ASCII) == 0;
}

void ria_document_release(struct ria_document *document)
{
    json_decref(document->root);
    document->root = NULL;
}
