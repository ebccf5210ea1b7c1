/* SPDX-License-Identifier: MIT
 *
 * Writes and reads the response to a question of `rds-iam check --aws` (answer_record.h) as a
 * record (codec/record.h). The reader rejects an unknown field, a text that is too long, and a
 * response that contains neither an answer nor an error message. */
#include "provider/answer_record.h"

#include "codec/record.h"

#include <string.h>

enum {
    TAG_KIND = 1,
    TAG_CODE,
    TAG_REASON,
    TAG_TEXT = 0x100,
};

void ria_answer_write(
    const struct ria_answer *answer, const struct ria_error *err, struct ria_buf *out)
{
    ria_record_begin(out, RIA_RECORD_ANSWER);
    ria_record_add_number(out, TAG_KIND, (int64_t)answer->kind);
    if (answer->kind != RIA_ANSWER_GIVEN) {
        ria_record_add_number(out, TAG_CODE, (int64_t)err->code);
        ria_record_add_text(out, TAG_REASON, err->text);
    } else {
        for (unsigned i = 0; i < RIA_ANSWER_TEXTS; i++) {
            ria_record_add_text(out, TAG_TEXT + i, answer->text[i]);
        }
    }
    ria_record_end(out);
}

static bool answer_copy(const struct ria_record_field *field, char *out, size_t size)
{
    const char *text = ria_record_text(field);
    if (text == NULL || field->len >= size) {
        return false;
    }
    memcpy(out, text, field->len + 1);
    ria_printable(out);
    return true;
}

static bool answer_field(
    const struct ria_record_field *field,
    struct ria_answer *out,
    int64_t *code,
    struct ria_error *reason)
{
    int64_t kind = RIA_ANSWER_NONE;
    if (field->tag >= TAG_TEXT && field->tag < TAG_TEXT + RIA_ANSWER_TEXTS) {
        return answer_copy(field, out->text[field->tag - TAG_TEXT], RIA_ANSWER_SIZE);
    }
    switch (field->tag) {
    case TAG_KIND:
        if (!ria_record_number(field, &kind) || kind < 0 || kind > RIA_ANSWER_NOT_FOUND) {
            return false;
        }
        out->kind = (enum ria_answer_kind)kind;
        return true;
    case TAG_CODE:
        return ria_record_number(field, code);
    case TAG_REASON:
        return answer_copy(field, reason->text, sizeof(reason->text));
    default:
        return false;
    }
}

bool ria_answer_read(const struct ria_buf *bytes, struct ria_answer *out, struct ria_error *err)
{
    struct ria_record record;
    struct ria_record_field field;
    struct ria_error reason = {0};
    int64_t code = RIA_E_NONE;
    *out = (struct ria_answer){0};
    bool ok = ria_record_open(bytes, RIA_RECORD_ANSWER, &record);
    while (ok && ria_record_next(&record, &field)) {
        ok = answer_field(&field, out, &code, &reason);
    }
    if (!ok || (out->kind != RIA_ANSWER_GIVEN && reason.text[0] == '\0')) {
        *out = (struct ria_answer){0};
        return ria_fail(err, RIA_E_SYSTEM, "rds-iam-fetch returned a damaged record of an answer");
    }
    return out->kind == RIA_ANSWER_GIVEN || ria_fail(err, (enum ria_code)code, "%s", reason.text);
}
