/* SPDX-License-Identifier: MIT
 *
 * Writes and reads the responses of rds-iam-fetch as records (codec/record.h). The reader rejects
 * an unknown field, a text that is too long, a number out of range, half a key pair, and a failure
 * without a message. */
#include "provider/response.h"

#include "base/text.h"

#include <string.h>

enum tag {
    TAG_OUTCOME = 1,
    TAG_CODE,
    TAG_TEXT,
    TAG_ACCESS_KEY_ID,
    TAG_SECRET_ACCESS_KEY,
    TAG_SESSION_TOKEN,
    TAG_EXPIRES,
    TAG_SOURCE,
    TAG_IDENTITY,
    TAG_OFFSET_SECONDS,
    TAG_OFFSET_BOOT_ID,
    TAG_OFFSET_REAL_MINUS_RAW,
    TAG_WARNING,
};

void ria_response_warn(struct ria_response *response, const char *format, ...)
{
    if (response->warning_count >= RIA_RESPONSE_WARNINGS_MAX) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)ria_text_format_args(
        response->warnings[response->warning_count++], sizeof(response->warnings[0]), format, args);
    va_end(args);
}

static void write_credentials(const struct ria_credentials *credentials, struct ria_buf *out)
{
    const struct {
        enum tag tag;
        const struct ria_buf *text;
    } texts[] = {
        {TAG_ACCESS_KEY_ID, &credentials->access_key_id},
        {TAG_SECRET_ACCESS_KEY, &credentials->secret_access_key},
        {TAG_SESSION_TOKEN, &credentials->session_token},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].text->len > 0) {
            ria_record_add(out, texts[i].tag, texts[i].text->data, texts[i].text->len);
        }
    }
    ria_record_add_number(out, TAG_EXPIRES, credentials->expires);
    ria_record_add_text(out, TAG_SOURCE, credentials->source);
}

static void write_offset(const struct ria_clock_offset *offset, struct ria_buf *out)
{
    if (offset->seconds != 0) {
        ria_record_add_number(out, TAG_OFFSET_SECONDS, offset->seconds);
        ria_record_add_text(out, TAG_OFFSET_BOOT_ID, offset->boot_id);
        ria_record_add_number(out, TAG_OFFSET_REAL_MINUS_RAW, offset->real_minus_raw);
    }
}

void ria_response_write(const struct ria_response *response, struct ria_buf *out)
{
    ria_record_begin(out, RIA_RECORD_RESPONSE);
    ria_record_add_number(out, TAG_OUTCOME, response->outcome);
    if (response->outcome == RIA_FOUND) {
        write_credentials(&response->credentials, out);
        ria_record_add_text(out, TAG_IDENTITY, response->identity);
    } else {
        ria_record_add_number(out, TAG_CODE, response->err.code);
        ria_record_add_text(out, TAG_TEXT, response->err.text);
    }
    write_offset(&response->offset, out);
    for (size_t i = 0; i < response->warning_count; i++) {
        ria_record_add_text(out, TAG_WARNING, response->warnings[i]);
    }
    ria_record_end(out);
}

/* -- reading -------------------------------------------------------------------------------- */

static bool response_copy_text(const struct ria_record_field *field, char *out, size_t size)
{
    const char *text = ria_record_text(field);
    if (text == NULL || field->len >= size) {
        return false;
    }
    memcpy(out, text, field->len + 1);
    return true;
}

static bool read_secret(const struct ria_record_field *field, struct ria_buf *out)
{
    ria_buf_clear(out);
    ria_buf_add(out, field->bytes, field->len);
    return !out->failed && ria_record_text(field) != NULL;
}

static bool read_outcome(const struct ria_record_field *field, struct ria_response *out)
{
    int64_t number = 0;
    if (!ria_record_number(field, &number) || number < RIA_FOUND || number > RIA_FAILED) {
        return false;
    }
    out->outcome = (enum ria_outcome)number;
    return true;
}

static bool read_code(const struct ria_record_field *field, struct ria_response *out)
{
    int64_t number = 0;
    if (!ria_record_number(field, &number) || number < RIA_E_NONE || number > RIA_E_PENDING) {
        return false;
    }
    out->err.code = (enum ria_code)number;
    return true;
}

static bool read_warning(const struct ria_record_field *field, struct ria_response *out)
{
    if (out->warning_count >= RIA_RESPONSE_WARNINGS_MAX) {
        return true;
    }
    char *room = out->warnings[out->warning_count++];
    return response_copy_text(field, room, sizeof(out->warnings[0]));
}

/* Returns false for an unknown tag. A later version of rds-iam may write such a tag. */
static bool response_read_field(const struct ria_record_field *field, struct ria_response *out)
{
    switch ((enum tag)field->tag) {
    case TAG_OUTCOME:
        return read_outcome(field, out);
    case TAG_CODE:
        return read_code(field, out);
    case TAG_TEXT:
        return response_copy_text(field, out->err.text, sizeof(out->err.text));
    case TAG_ACCESS_KEY_ID:
        return read_secret(field, &out->credentials.access_key_id);
    case TAG_SECRET_ACCESS_KEY:
        return read_secret(field, &out->credentials.secret_access_key);
    case TAG_SESSION_TOKEN:
        return read_secret(field, &out->credentials.session_token);
    case TAG_EXPIRES:
        return ria_record_number(field, &out->credentials.expires);
    case TAG_SOURCE:
        return response_copy_text(field, out->credentials.source, sizeof(out->credentials.source));
    case TAG_IDENTITY:
        return response_copy_text(field, out->identity, sizeof(out->identity));
    case TAG_OFFSET_SECONDS:
        return ria_record_number(field, &out->offset.seconds);
    case TAG_OFFSET_BOOT_ID:
        return response_copy_text(field, out->offset.boot_id, sizeof(out->offset.boot_id));
    case TAG_OFFSET_REAL_MINUS_RAW:
        return ria_record_number(field, &out->offset.real_minus_raw);
    case TAG_WARNING:
        return read_warning(field, out);
    default:
        return false;
    }
}

/* A success needs both keys, a failure needs a message. */
static bool response_is_complete(const struct ria_response *response)
{
    return response->outcome == RIA_FOUND ? response->credentials.access_key_id.len > 0 &&
                                                response->credentials.secret_access_key.len > 0
                                          : response->err.text[0] != '\0';
}

bool ria_response_read(const struct ria_buf *bytes, struct ria_response *out)
{
    ria_response_release(out);
    struct ria_record record;
    struct ria_record_field field;
    bool ok = ria_record_open(bytes, RIA_RECORD_RESPONSE, &record);
    while (ok && ria_record_next(&record, &field)) {
        ok = response_read_field(&field, out);
    }
    if (!ok || !response_is_complete(out)) {
        ria_response_release(out);
        return false;
    }
    ria_printable(out->err.text);
    return true;
}

void ria_response_init(struct ria_response *response, struct ria_credentials_room *room)
{
    ria_credentials_init(&response->credentials, room);
    ria_response_release(response);
}

void ria_response_release(struct ria_response *response)
{
    ria_credentials_release(&response->credentials);
    response->outcome = RIA_FAILED;
    response->err.code = RIA_E_NONE;
    response->err.text[0] = '\0';
    response->identity[0] = '\0';
    response->offset = (struct ria_clock_offset){0};
    response->warning_count = 0;
}
