/* SPDX-License-Identifier: MIT
 *
 * Parses credentials with jansson, which uses an allocator that wipes memory (wiped.h). Rejects
 * duplicate names, a member that it reads in two spellings ("Token" and "token"), required members
 * that are missing, members of the wrong type, and keys that contain characters other than visible
 * ASCII. Also reads the message of an error response. */
#include "fetch/json.h"

#include "base/ascii.h"
#include "base/messages.h"
#include "base/timestamp.h"
#include "codec/url.h"
#include "fetch/document.h"
#include "fetch/wiped.h"

#include <jansson.h>
#include <stdio.h>

void ria_json_set_up(void)
{
    json_set_alloc_funcs(ria_wiped_malloc, ria_wiped_free);
}

/* Returns a member, or NULL. Ignores case, as AWS's Rust SDK does, because some sources write
 * "accessKeyId". */
static const json_t *member(json_t *object, const char *name)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(object, key, value)
    {
        if (ria_ascii_same(key, name)) {
            return value;
        }
    }
    return NULL;
}

static bool json_read_text(
    json_t *object, const char *name, bool is_required, struct ria_buf *out, struct ria_error *err)
{
    const json_t *value = member(object, name);
    if (value == NULL || json_is_null(value)) {
        return !is_required || ria_fail(err, RIA_E_CREDENTIALS, "the JSON has no %s", name);
    }
    const char *text = json_string_value(value);
    if (text == NULL || (is_required && *text == '\0')) {
        return ria_fail(err, RIA_E_CREDENTIALS, "the %s is empty or not a string", name);
    }
    ria_buf_add(out, text, json_string_length(value));
    return !out->failed || ria_fail(err, RIA_E_CREDENTIALS, "the %s is too long", name);
}

static bool read_expiry(
    json_t *object, bool is_required, struct ria_credentials *out, struct ria_error *err)
{
    RIA_AUTO(buf) text = {.max = 64};
    if (!json_read_text(object, "Expiration", is_required, &text, err)) {
        return false;
    }
    if (text.len > 0 && !ria_timestamp_parse(text.data, &out->expires)) {
        return ria_fail(err, RIA_E_CREDENTIALS, "the Expiration is not a time");
    }
    return true;
}

/* Rejects an object that contains two spellings of a member, such as "Token" and "token": it is not
 * clear which of them counts. jansson rejects only names that are exactly equal. */
static bool check_spellings(json_t *object, const struct ria_json_form *form, struct ria_error *err)
{
    const char *const names[] = {
        "Version",
        "Code",
        "AccessKeyId",
        "SecretAccessKey",
        form->session_token,
        "Expiration",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *key = NULL;
        json_t *value = NULL;
        size_t count = 0;
        json_object_foreach(object, key, value)
        {
            count += ria_ascii_same(key, names[i]) ? 1 : 0;
        }
        if (count > 1) {
            return ria_fail(err, RIA_E_CREDENTIALS, "the JSON has more than one %s", names[i]);
        }
    }
    return true;
}

static bool check_head(json_t *object, const struct ria_json_form *form, struct ria_error *err)
{
    if (!json_is_object(object)) {
        return ria_fail(err, RIA_E_CREDENTIALS, "not a JSON object");
    }
    if (!check_spellings(object, form, err)) {
        return false;
    }
    const json_t *version = member(object, "Version");
    if (form->has_version && (!json_is_integer(version) || json_integer_value(version) != 1)) {
        return ria_fail(err, RIA_E_CREDENTIALS, "the JSON has no \"Version\": 1");
    }
    const char *code = json_string_value(member(object, "Code"));
    if (form->wanted_code != NULL && code != NULL && !ria_ascii_same(code, form->wanted_code)) {
        char shown[64];
        (void)ria_url_show_in(code, shown, sizeof(shown));
        return ria_fail(err, RIA_E_CREDENTIALS, "the Code is %s", shown);
    }
    return true;
}

static bool parse_members(
    json_t *object,
    const struct ria_json_form *form,
    struct ria_credentials *out,
    struct ria_error *err)
{
    return check_head(object, form, err) &&
           json_read_text(object, "AccessKeyId", true, &out->access_key_id, err) &&
           json_read_text(object, "SecretAccessKey", true, &out->secret_access_key, err) &&
           json_read_text(
               object, form->session_token, form->needs_session_token, &out->session_token, err) &&
           read_expiry(object, form->needs_session_token, out, err) &&
           (ria_credentials_are_plain(out) ||
            ria_fail(
                err, RIA_E_CREDENTIALS, "the keys contain characters other than visible ASCII"));
}

bool ria_json_credentials(
    const struct ria_buf *text,
    const struct ria_json_form *form,
    struct ria_credentials *out,
    struct ria_error *err)
{
    RIA_AUTO(credentials) found = RIA_CREDENTIALS_INIT;
    json_t *document = ria_document_parse(text);
    if (document == NULL) {
        return ria_fail(
            err, RIA_E_CREDENTIALS, "%s", ria_wiped_has_failed() ? RIA_REFUSAL_MEMORY : "not JSON");
    }
    bool ok = parse_members(document, form, &found, err);
    json_decref(document);
    if (ok) {
        ria_credentials_move(out, &found);
    }
    return ok;
}

void ria_json_message(const struct ria_buf *text, char *out, size_t size)
{
    json_t *document = ria_document_parse(text);
    const char *message = json_string_value(member(document, "message"));
    (void)ria_url_show_in(message == NULL ? "" : message, out, size);
    json_decref(document);
}
