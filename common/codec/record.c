/* SPDX-License-Identifier: MIT
 *
 * Writes and parses records of tag, length and value. Before a field is read, ria_record_open()
 * checks the whole record: it rejects a wrong header, a truncated field, and bytes after the last
 * field.
 */
#include "codec/record.h"

#include <string.h>

enum {
    /* While rds-iam is updated, a program that has loaded the old plugin may still run. The old
     * plugin then sends records to the newer rds-iam-fetch. Raise this number if a tag or another
     * number in a record changes its meaning. If new numbers are only added after the existing
     * numbers, VERSION stays the same, because readers reject a field that they do not know. */
    VERSION = 1,
    KIND_AT = 5,   /* offset of the kind in the header */
    LENGTH_AT = 8, /* offset of the length in the header */
    FIELD_HEADER_LEN = 6,
};

static const char magic[] = "RIAR";

static void add_big_endian(struct ria_buf *out, uint64_t number, unsigned bytes)
{
    while (bytes-- > 0) {
        ria_buf_add_char(out, (char)((number >> (8 * bytes)) & 0xff));
    }
}

static uint64_t read_big_endian(const char *at, unsigned bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes; i++) {
        number = (number << 8) | (unsigned char)at[i];
    }
    return number;
}

static size_t longest_of(char kind)
{
    return kind == (char)RIA_RECORD_BUNDLE_RESPONSE ? RIA_RECORD_BUNDLE_MAX : RIA_RECORD_MAX;
}

void ria_record_begin(struct ria_buf *out, enum ria_record_kind kind)
{
    const char head[] = {VERSION, (char)kind, 0, 0};
    ria_buf_clear(out);
    ria_buf_add_text(out, magic);
    ria_buf_add(out, head, sizeof(head));
    add_big_endian(out, 0, 4);
}

void ria_record_add(struct ria_buf *out, unsigned tag, const void *bytes, size_t len)
{
    if (out->len < RIA_RECORD_HEADER_LEN || len > longest_of(out->data[KIND_AT])) {
        out->failed = true;
        return;
    }
    add_big_endian(out, tag, 2);
    add_big_endian(out, len, 4);
    ria_buf_add(out, bytes, len);
    ria_buf_add_char(out, '\0');
}

void ria_record_add_text(struct ria_buf *out, unsigned tag, const char *text)
{
    ria_record_add(out, tag, text, strlen(text));
}

void ria_record_add_number(struct ria_buf *out, unsigned tag, int64_t number)
{
    char bytes[8];
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)(((uint64_t)number >> (56 - (8 * i))) & 0xff);
    }
    ria_record_add(out, tag, bytes, sizeof(bytes));
}

void ria_record_end(struct ria_buf *out)
{
    if (out->failed || out->len < RIA_RECORD_HEADER_LEN) {
        out->failed = true;
        return;
    }
    size_t len = out->len - RIA_RECORD_HEADER_LEN;
    for (unsigned i = 0; i < 4; i++) {
        out->data[LENGTH_AT + i] = (char)((len >> (24 - (8 * i))) & 0xff);
    }
}

size_t ria_record_length(const char *header)
{
    if (memcmp(header, magic, sizeof(magic) - 1) != 0 || header[4] != VERSION) {
        return 0;
    }
    uint64_t len = read_big_endian(header + LENGTH_AT, 4) + RIA_RECORD_HEADER_LEN;
    return len <= longest_of(header[KIND_AT]) ? (size_t)len : 0;
}

/* Returns whether all fields are complete and end in a 0 byte. */
static bool is_well_formed(struct ria_record record)
{
    while (record.left > 0) {
        if (record.left < FIELD_HEADER_LEN + 1) {
            return false;
        }
        uint64_t len = read_big_endian(record.at + 2, 4);
        if (len > record.left - FIELD_HEADER_LEN - 1 || record.at[FIELD_HEADER_LEN + len] != '\0') {
            return false;
        }
        record.at += FIELD_HEADER_LEN + len + 1;
        record.left -= FIELD_HEADER_LEN + len + 1;
    }
    return true;
}

bool ria_record_open(const struct ria_buf *bytes, enum ria_record_kind kind, struct ria_record *out)
{
    if (bytes->failed || bytes->len < RIA_RECORD_HEADER_LEN ||
        ria_record_length(bytes->data) != bytes->len || bytes->data[KIND_AT] != (char)kind) {
        return false;
    }
    struct ria_record record = {
        .at = bytes->data + RIA_RECORD_HEADER_LEN,
        .left = bytes->len - RIA_RECORD_HEADER_LEN,
    };
    if (!is_well_formed(record)) {
        return false;
    }
    *out = record;
    return true;
}

bool ria_record_next(struct ria_record *record, struct ria_record_field *out)
{
    if (record->left == 0) {
        return false;
    }
    out->tag = (unsigned)read_big_endian(record->at, 2);
    out->len = (size_t)read_big_endian(record->at + 2, 4);
    out->bytes = record->at + FIELD_HEADER_LEN;
    record->at += FIELD_HEADER_LEN + out->len + 1;
    record->left -= FIELD_HEADER_LEN + out->len + 1;
    return true;
}

const char *ria_record_text(const struct ria_record_field *field)
{
    return strlen(field->bytes) == field->len ? field->bytes : NULL;
}

bool ria_record_number(const struct ria_record_field *field, int64_t *out)
{
    if (field->len != 8) {
        return false;
    }
    *out = (int64_t)read_big_endian(field->bytes, 8);
    return true;
}
