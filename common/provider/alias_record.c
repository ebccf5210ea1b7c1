/* SPDX-License-Identifier: MIT
 *
 * Writes and reads the two records (codec/record.h) of a DNS alias lookup, the request and the
 * response. Each record contains one host name. Rejects a record of another kind, and a name that
 * is longer than a DNS name. */
#include "provider/alias_record.h"

#include "codec/record.h"

#include <string.h>

enum {
    TAG_NAME = 1
};

static void write_name(enum ria_record_kind kind, const char *name, struct ria_buf *out)
{
    ria_record_begin(out, kind);
    ria_record_add_text(out, TAG_NAME, name);
    ria_record_end(out);
}

static bool alias_record_read_name(
    const struct ria_buf *bytes, enum ria_record_kind kind, char name[RIA_HOST_SIZE])
{
    struct ria_record record;
    struct ria_record_field field;
    const char *text = NULL;
    if (ria_record_open(bytes, kind, &record) && ria_record_next(&record, &field) &&
        field.tag == TAG_NAME && field.len < RIA_HOST_SIZE) {
        text = ria_record_text(&field);
    }
    if (text == NULL) {
        return false;
    }
    memcpy(name, text, strlen(text) + 1);
    return true;
}

void ria_alias_write_request(const char *host, struct ria_buf *out)
{
    write_name(RIA_RECORD_ALIAS_REQUEST, host, out);
}

bool ria_alias_read_request(const struct ria_buf *bytes, char host[RIA_HOST_SIZE])
{
    return alias_record_read_name(bytes, RIA_RECORD_ALIAS_REQUEST, host);
}

void ria_alias_write_response(const char *name, struct ria_buf *out)
{
    write_name(RIA_RECORD_ALIAS_RESPONSE, name, out);
}

bool ria_alias_read_response(const struct ria_buf *bytes, char name[RIA_HOST_SIZE])
{
    return alias_record_read_name(bytes, RIA_RECORD_ALIAS_RESPONSE, name);
}
