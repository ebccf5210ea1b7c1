/* SPDX-License-Identifier: MIT
 *
 * The binary record format of the requests to rds-iam-fetch, of its responses, and of the cache
 * files. A record is a header with a kind and a length, followed by fields. A plugin parses a
 * record without a JSON library, and detects a truncated record by the length in the header. This
 * module does not interpret fields, and does no I/O.
 *
 *   header, 12 bytes: "RIAR", version, kind, 0, 0, length of all fields together (4 bytes)
 *   each field:       tag (2 bytes), length (4 bytes), the value's bytes, 0
 *
 * Numbers are big-endian. The length of a field does not count the 0 byte after it. Because of
 * this byte, a field that contains no other 0 byte is a C string and need not be copied.
 */
#ifndef RIA_CODEC_RECORD_H
#define RIA_CODEC_RECORD_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

/* RIA_RECORD_MAX is four times the length of the largest realistic request. A plan (aws/plan.h)
 * with sixteen roles and fifty tags for each would not fit, but such a configuration is not
 * realistic. A record of this size also fits into a pipe or socket buffer as a whole. */
enum {
    RIA_RECORD_MAX = 64 * 1024,
    RIA_RECORD_HEADER_LEN = 12,
};

/* The longest record of kind RIA_RECORD_BUNDLE_RESPONSE, which contains a whole file of
 * certificates. This is six times the size of Amazon's bundle for all regions. */
enum {
    RIA_RECORD_BUNDLE_MAX = 1024 * 1024
};

enum ria_record_kind {
    RIA_RECORD_REQUEST = 1,
    RIA_RECORD_RESPONSE = 2,
    RIA_RECORD_ALIAS_REQUEST = 3,
    RIA_RECORD_ALIAS_RESPONSE = 4,
    RIA_RECORD_BUNDLE_REQUEST = 5,
    RIA_RECORD_BUNDLE_RESPONSE = 6,
    RIA_RECORD_IDENTITY_RESPONSE = 7,
    RIA_RECORD_ANSWER = 8,
};

/* To write a record, call ria_record_begin(), which clears the buffer, add fields, and call
 * ria_record_end(). If the record is too long or memory runs out, these functions set out->failed.
 */
void ria_record_begin(struct ria_buf *out, enum ria_record_kind kind);
void ria_record_add(struct ria_buf *out, unsigned tag, const void *bytes, size_t len);
void ria_record_add_text(struct ria_buf *out, unsigned tag, const char *text);
void ria_record_add_number(struct ria_buf *out, unsigned tag, int64_t number);
void ria_record_end(struct ria_buf *out);

struct ria_record {
    const char *at; /* borrowed */
    size_t left;
};

struct ria_record_field {
    unsigned tag;
    const char *bytes; /* borrowed; bytes[len] is 0 */
    size_t len;
};

/* Returns the length in bytes of the whole record. Reads only the first RIA_RECORD_HEADER_LEN
 * bytes. Returns 0 if these bytes are not a record header, or if the record is longer than its kind
 * allows.
 */
size_t ria_record_length(const char *header);

/* Checks that the bytes are one complete, well-formed record of this kind, and prepares *out for
 * ria_record_next(). Returns false without a reason, because no caller needs a reason: a damaged
 * cache file counts as a cache miss, and a damaged response as an error of rds-iam-fetch. */
bool ria_record_open(const struct ria_buf *bytes, enum ria_record_kind kind, struct ria_record *out)
    RIA_MUST_USE;

/* Reads the next field. Returns false at the end of the record. */
bool ria_record_next(struct ria_record *record, struct ria_record_field *out) RIA_MUST_USE;

/* Returns the field as a string, borrowed from the record, or NULL if the field contains a 0 byte.
 */
const char *ria_record_text(const struct ria_record_field *field);

/* Reads the field as a number. Returns false, with *out unchanged, if the field does not have 8
 * bytes. */
bool ria_record_number(const struct ria_record_field *field, int64_t *out) RIA_MUST_USE;

#endif
