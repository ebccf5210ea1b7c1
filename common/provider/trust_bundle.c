/* SPDX-License-Identifier: MIT
 *
 * Contains the table of Amazon's bundles of root certificates. Writes and reads the records of a
 * download. The readers reject a record with an unknown field, an unknown partition, a text that is
 * too long, or neither a bundle nor an error. */
#include "provider/trust_bundle.h"

#include "codec/record.h"

#include <string.h>

enum {
    TAG_PARTITION = 1,
    TAG_BUDGET = 2,
    TAG_PEM = 3,
    TAG_CODE = 4,
    TAG_REASON = 5,
};

static const struct {
    const char *partition;
    const char *url;
} bundles[] = {
    {"aws", "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"},
    {"aws-us-gov",
     "https://truststore.pki.us-gov-west-1.rds.amazonaws.com/global/global-bundle.pem"},
    {"aws-cn", "https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/global/global-bundle.pem"},
};

const char *ria_trust_bundle_url(const char *partition)
{
    for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++) {
        if (strcmp(partition, bundles[i].partition) == 0) {
            return bundles[i].url;
        }
    }
    return NULL;
}

void ria_trust_bundle_write_request(
    const struct ria_trust_bundle_request *request, struct ria_buf *out)
{
    ria_record_begin(out, RIA_RECORD_BUNDLE_REQUEST);
    ria_record_add_text(out, TAG_PARTITION, request->partition);
    ria_record_add_number(out, TAG_BUDGET, request->budget);
    ria_record_end(out);
}

static bool trust_bundle_copy_text(const struct ria_record_field *field, char *out, size_t size)
{
    const char *text = ria_record_text(field);
    if (text == NULL || field->len >= size) {
        return false;
    }
    memcpy(out, text, field->len + 1);
    return true;
}

bool ria_trust_bundle_read_request(
    const struct ria_buf *bytes, struct ria_trust_bundle_request *out)
{
    struct ria_trust_bundle_request request = {.budget = 0};
    struct ria_record record;
    struct ria_record_field field;
    bool ok = ria_record_open(bytes, RIA_RECORD_BUNDLE_REQUEST, &record);
    while (ok && ria_record_next(&record, &field)) {
        ok = field.tag == TAG_PARTITION
                 ? trust_bundle_copy_text(&field, request.partition, sizeof(request.partition))
                 : field.tag == TAG_BUDGET && ria_record_number(&field, &request.budget);
    }
    if (!ok || request.budget <= 0 || ria_trust_bundle_url(request.partition) == NULL) {
        return false;
    }
    *out = request;
    return true;
}

void ria_trust_bundle_write_response(
    const struct ria_buf *pem, const struct ria_error *err, struct ria_buf *out)
{
    ria_record_begin(out, RIA_RECORD_BUNDLE_RESPONSE);
    if (pem != NULL) {
        ria_record_add(out, TAG_PEM, pem->data, pem->len);
    } else {
        ria_record_add_number(out, TAG_CODE, (int64_t)err->code);
        ria_record_add_text(out, TAG_REASON, err->text);
    }
    ria_record_end(out);
}

bool ria_trust_bundle_read_response(
    const struct ria_buf *bytes, struct ria_buf *pem, struct ria_error *err)
{
    struct ria_record record;
    struct ria_record_field field;
    struct ria_error reason = {0};
    int64_t code = RIA_E_NONE;
    bool ok = ria_record_open(bytes, RIA_RECORD_BUNDLE_RESPONSE, &record);
    bool has_pem = false;
    while (ok && ria_record_next(&record, &field)) {
        switch (field.tag) {
        case TAG_PEM:
            ria_buf_add(pem, field.bytes, field.len);
            has_pem = true;
            break;
        case TAG_CODE:
            ok = ria_record_number(&field, &code);
            break;
        case TAG_REASON:
            ok = trust_bundle_copy_text(&field, reason.text, sizeof(reason.text));
            break;
        default:
            ok = false;
        }
    }
    if (ok && has_pem) {
        return !pem->failed || ria_fail(err, RIA_E_SYSTEM, "the bundle is too long");
    }
    return ok && reason.text[0] != '\0'
               ? ria_fail(err, (enum ria_code)code, "%s", reason.text)
               : ria_fail(err, RIA_E_SYSTEM, "rds-iam-fetch returned a damaged record of a bundle");
}
