/* SPDX-License-Identifier: MIT
 *
 * The binary record that a question to rds-iam-fetch, its answer and a cache file are written in: a
 * header with kind and length, then fields. A guest reads it without a JSON library, and a record
 * that was cut off is seen by its length. It does not know what a field means, and does no I/O.
 *
 *   "RIAR" version kind 0 0   length of all that follows, 4 bytes     header: 12 bytes
 *   tag, 2 bytes              length, 4 bytes    bytes    0           field
 *
 * Numbers are big-endian. The 0 behind each field is not counted: a field can be used as a string
 * where it lies, if it holds no other 0.
 */
#ifndef RIA_CODEC_RECORD_H
#define RIA_CODEC_RECORD_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

/* Four times the largest question: sixteen roles with fifty tags each do not fit, and none does so
 * by accident. It also fits into a pipe or socket buffer whole. */
enum {
    RIA_RECORD_MAX = 64 * 1024,
    RIA_RECORD_HEADER_LEN = 12,
};

/* The longest record of kind RIA_RECORD_BUNDLE_RESPONSE, which contains a whole file of
 * certificates: six times Amazon's bundle for all regions. */
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
};

/* Writing: begin an empty buffer, add fields, end. Failures are remembered by the buffer. */
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

/* How many bytes the whole record has, from its header; 0 if that is none. Needs
 * RIA_RECORD_HEADER_LEN bytes. */
size_t ria_record_length(const char *header);

/* Checks that the bytes are one whole, well-formed record of that kind. False without a reason: a
 * damaged cache file is a miss, a damaged answer the fetcher's fault. */
bool ria_record_open(const struct ria_buf *bytes, enum ria_record_kind kind, struct ria_record *out)
    RIA_MUST_USE;

/* The next field; false at the end. */
bool ria_record_next(struct ria_record *record, struct ria_record_field *out) RIA_MUST_USE;

/* A field as text, or NULL if it holds a 0; as a number, or false. */
const char *ria_record_text(const struct ria_record_field *field);
bool ria_record_number(const struct ria_record_field *field, int64_t *out) RIA_MUST_USE;

#endif
