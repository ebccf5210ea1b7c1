/* SPDX-License-Identifier: MIT
 *
 * Writes and reads the response to a request for the identity of AWS keys, as a record
 * (codec/record.h). The reader rejects an unknown field, a text that is too long, and a response
 * that contains neither an ARN nor an error message. */
#include "provider/identity_record.h"

#include "codec/record.h"

#include <string.h>

enum {
    TAG_ARN = 1,
    TAG_DIFFERENCE,
    TAG_CODE,
    TAG_REASON,
};

void ria_identity_write(
    const struct ria_identity *identity, const struct ria_error *err, struct ria_buf *out)
{
    ria_record_begin(out, RIA_RECORD_IDENTITY_RESPONSE);
    if (identity->has_difference) {
        ria_record_add_number(out, TAG_DIFFERENCE, identity->difference);
    }
    if (err == NULL) {
        ria_record_add_text(out, TAG_ARN, identity->arn);
    } else {
        ria_record_add_number(out, TAG_CODE, (int64_t)err->code);
        ria_record_add_text(out, TAG_REASON, err->text);
    }
    ria_record_end(out);
}

static bool identity_copy_text(const struct ria_record_field *field, char *out, size_t size)
{
    const char *text = ria_record_text(field);
    if (text == NULL || field->len >= size) {
        return false;
    }
    memcpy(out, text, field->len + 1);
    return true;
}

bool ria_identity_read(const struct ria_buf *bytes, struct ria_identity *out, struct ria_error *err)
{
    struct ria_record record;
    struct ria_record_field field;
    struct ria_error reason = {0};
    int64_t code = RIA_E_NONE;
    *out = (struct ria_identity){0};
    bool ok = ria_record_open(bytes, RIA_RECORD_IDENTITY_RESPONSE, &record);
    while (ok && ria_record_next(&record, &field)) {
        switch (field.tag) {
        case TAG_ARN:
            ok = identity_copy_text(&field, out->arn, sizeof(out->arn));
            break;
        case TAG_DIFFERENCE:
            ok = out->has_difference = ria_record_number(&field, &out->difference);
            break;
        case TAG_CODE:
            ok = ria_record_number(&field, &code);
            break;
        case TAG_REASON:
            ok = identity_copy_text(&field, reason.text, sizeof(reason.text));
            break;
        default:
            ok = false;
        }
    }
    if (!ok || (out->arn[0] == '\0' && reason.text[0] == '\0')) {
        return ria_fail(
            err, RIA_E_SYSTEM, "rds-iam-fetch returned a damaged record of an identity");
    }
    ria_printable(out->arn);
    return out->arn[0] != '\0' || ria_fail(err, (enum ria_code)code, "%s", reason.text);
}
