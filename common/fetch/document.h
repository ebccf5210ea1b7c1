/* SPDX-License-Identifier: MIT
 *
 * JSON objects that are looked into member by member, and changed: the AWS CLI's token files, and
 * the answers of SSO and sign-in. By jansson. A member has a name, or stands in an object one level
 * down, whose name is `parent`; names are compared with case.
 */
#ifndef RIA_FETCH_DOCUMENT_H
#define RIA_FETCH_DOCUMENT_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

struct ria_document {
    void *root; /* NULL: none */
};

/* False, with an empty *out, for anything that is no JSON object. */
bool ria_document_read(const struct ria_buf *text, struct ria_document *out) RIA_MUST_USE;

/* Replaces *out by a text that is not empty. False if it is not there, or does not fit. */
bool ria_document_text(
    const struct ria_document *document, const char *parent, const char *name, struct ria_buf *out)
    RIA_MUST_USE;

bool ria_document_number(
    const struct ria_document *document, const char *parent, const char *name, int64_t *out)
    RIA_MUST_USE;

/* A time as ria_timestamp_parse() reads it. */
bool ria_document_time(
    const struct ria_document *document, const char *parent, const char *name, int64_t *out)
    RIA_MUST_USE;

/* Sets a member and leaves all others as they are. False if there is no such parent, or for text
 * that is no UTF-8. */
bool ria_document_set(
    struct ria_document *document, const char *parent, const char *name, const char *text)
    RIA_MUST_USE;

/* A time as the AWS CLI writes it: 2026-08-22T12:34:56Z. */
bool ria_document_set_time(
    struct ria_document *document, const char *parent, const char *name, int64_t when) RIA_MUST_USE;

/* Appends the text in the form that Python's json.dumps() gives it. */
bool ria_document_write(const struct ria_document *document, struct ria_buf *out) RIA_MUST_USE;

void ria_document_release(struct ria_document *document);

#endif
