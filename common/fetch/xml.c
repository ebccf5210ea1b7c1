/* SPDX-License-Identifier: MIT
 *
 * Parses the XML of AWS services with expat and extracts the text of a few elements. Keeps the path
 * of the current element, "/A/B/C", and compares the end of the path with the wanted names. Rejects
 * a document type declaration, more than 16 levels of elements, and a path of more than 511 bytes.
 */
#include "fetch/query_call.h"

#include "fetch/wiped.h"

#include <expat.h>
#include <stddef.h>
#include <string.h>

enum {
    DEPTH_MAX = 16, /* a response of SimulatePrincipalPolicy has ten levels */
    PATH_SIZE = 512,
};

struct reader {
    XML_Parser parser;
    const struct ria_xml_wanted *wanted;
    size_t count;
    unsigned depth;
    size_t path_len;
    char path[PATH_SIZE];
    struct ria_buf *open; /* receives the text of the current element; NULL: ignore the text */
    bool failed;
};

static void stop(struct reader *reader)
{
    reader->failed = true;
    (void)XML_StopParser(reader->parser, XML_FALSE);
}

/* Appends a name to the path. Returns false if the path would be too long or have too many levels.
 */
static bool enter(struct reader *reader, const char *name)
{
    size_t len = strlen(name);
    if (++reader->depth > DEPTH_MAX || len + 1 >= sizeof(reader->path) - reader->path_len) {
        return false;
    }
    reader->path[reader->path_len] = '/';
    memcpy(reader->path + reader->path_len + 1, name, len + 1);
    reader->path_len += len + 1;
    return true;
}

/* Returns whether the path ends with these names. */
static bool is_at(const struct reader *reader, const char *names)
{
    size_t len = strlen(names);
    const char *end = reader->path + reader->path_len;
    return len < reader->path_len && strcmp(end - len, names) == 0 &&
           end[-(ptrdiff_t)len - 1] == '/';
}

static void on_start(void *self, const XML_Char *name, const XML_Char **attributes)
{
    (void)attributes;
    struct reader *reader = self;
    reader->open = NULL;
    if (!enter(reader, name)) {
        stop(reader);
        return;
    }
    for (size_t i = 0; i < reader->count; i++) {
        if (is_at(reader, reader->wanted[i].name) && reader->wanted[i].out->len == 0) {
            reader->open = reader->wanted[i].out;
        }
    }
}

static void on_end(void *self, const XML_Char *name)
{
    struct reader *reader = self;
    /* For an empty element, expat reports the element's end even if the parser was stopped at the
     * element's start. */
    if (reader->failed) {
        return;
    }
    reader->depth--;
    reader->path_len -= strlen(name) + 1;
    reader->path[reader->path_len] = '\0';
    reader->open = NULL;
}

static void on_text(void *self, const XML_Char *text, int len)
{
    struct reader *reader = self;
    if (reader->open != NULL) {
        ria_buf_add(reader->open, text, (size_t)len);
        if (reader->open->failed) {
            stop(reader);
        }
    }
}

/* Rejects a document type declaration, because it can declare entities. AWS sends no document type
 * declarations. */
static void on_doctype(
    void *self,
    const XML_Char *name,
    const XML_Char *system_id,
    const XML_Char *public_id,
    int has_internal_subset)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    stop(self);
}

bool ria_xml_read(const struct ria_buf *text, const struct ria_xml_wanted *wanted, size_t count)
{
    static const XML_Memory_Handling_Suite memory = {
        ria_wiped_malloc, ria_wiped_realloc, ria_wiped_free};
    struct reader reader = {.wanted = wanted, .count = count};
    reader.parser = XML_ParserCreate_MM("UTF-8", &memory, NULL);
    if (reader.parser == NULL) {
        return false;
    }
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    enum XML_Status status =
        XML_Parse(reader.parser, text->data == NULL ? "" : text->data, (int)text->len, XML_TRUE);
    XML_ParserFree(reader.parser);
    return status == XML_STATUS_OK && !reader.failed;
}
