/* SPDX-License-Identifier: MIT
 *
 * JSON objects whose members are read or set by name: the AWS CLI's token files and cache, the
 * requests to SSO and to AWS's sign-in service, the responses of these services, and the claims of
 * a DPoP proof. The functions wrap jansson. If `parent` is not NULL, the member is in the object of
 * that name, one level down. Names are case-sensitive.
 */
#ifndef RIA_FETCH_DOCUMENT_H
#define RIA_FETCH_DOCUMENT_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

struct ria_document {
    void *root; /* a json_t; NULL: empty */
};

/* Parses a JSON text. Returns a json_t, which the caller releases with json_decref(), or NULL if
 * the text is not JSON, contains a duplicate name, or memory runs out. In the last case
 * ria_wiped_has_failed() (wiped.h) returns true. */
void *ria_document_parse(const struct ria_buf *text) RIA_MUST_USE;

/* Parses a JSON object; release *out with ria_document_release(). Returns false, with an empty
 * *out, if the text is not a JSON object or contains a duplicate name, or if memory runs out. */
bool ria_document_read(const struct ria_buf *text, struct ria_document *out) RIA_MUST_USE;

/* Replaces the text of *out by a string member. Returns false if the member is missing, is not a
 * string, is empty or does not fit. */
bool ria_document_text(
    const struct ria_document *document, const char *parent, const char *name, struct ria_buf *out)
    RIA_MUST_USE;

/* Reads an integer member. Returns false if the member is missing or not an integer. */
bool ria_document_number(
    const struct ria_document *document, const char *parent, const char *name, int64_t *out)
    RIA_MUST_USE;

/* Reads a string member that contains a time, in a format of ria_timestamp_parse(). Sets *out to
 * seconds since 1970. Returns false if the member is missing or not a time. */
bool ria_document_time(
    const struct ria_document *document, const char *parent, const char *name, int64_t *out)
    RIA_MUST_USE;

/* Sets a member to a string and leaves all other members unchanged. Returns false if the parent
 * does not exist, if the text is not valid UTF-8, or if memory runs out. */
bool ria_document_set(
    struct ria_document *document, const char *parent, const char *name, const char *text)
    RIA_MUST_USE;

/* Sets a member to a time, in seconds since 1970, in the AWS CLI's format: 2026-08-22T12:34:56Z.
 * Returns false if the time cannot be formatted, or if ria_document_set() fails. */
bool ria_document_set_time(
    struct ria_document *document, const char *parent, const char *name, int64_t when) RIA_MUST_USE;

/* Appends the JSON text: ASCII only, with the spaces that Python's json.dumps() writes. Returns
 * false if the text is too long or memory runs out. */
bool ria_document_write(const struct ria_document *document, struct ria_buf *out) RIA_MUST_USE;

/* Frees the document. *document is empty afterwards. */
void ria_document_release(struct ria_document *document);

#endif
