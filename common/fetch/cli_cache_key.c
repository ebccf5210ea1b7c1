/* SPDX-License-Identifier: MIT
 *
 * JSON texts as Python's json.dumps() writes them: members sorted, ASCII alone, lower-case escapes.
 * jansson's escapes are in upper case, and a digest sees that. */
#include "fetch/cli_cache_key.h"

#include "codec/digest.h"
#include "codec/percent.h"

#include <string.h>

/* -- strings -------------------------------------------------------------------------------- */

/* Takes one character of UTF-8; a byte that is none of it stands for itself. */
static uint32_t next_character(const char **at)
{
    const unsigned char *bytes = (const unsigned char *)*at;
    static const struct {
        unsigned char mask;
        unsigned char lead;
        unsigned char more;
    } forms[] = {{0xe0, 0xc0, 1}, {0xf0, 0xe0, 2}, {0xf8, 0xf0, 3}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if ((bytes[0] & forms[i].mask) != forms[i].lead) {
            continue;
        }
        uint32_t character = bytes[0] & (unsigned char)~forms[i].mask;
        size_t done = 1;
        while (done <= forms[i].more && (bytes[done] & 0xc0U) == 0x80) {
            character = character << 6U | (bytes[done] & 0x3fU);
            done++;
        }
        if (done > forms[i].more) {
            *at += done;
            return character;
        }
    }
    *at += 1;
    return bytes[0];
}

static void add_character(struct ria_buf *out, uint32_t character)
{
    static const char plain[] = "\"\\\n\r\t\f\b";
    static const char letter[] = "\"\\nrtfb";
    const char *found = character > 0 && character < 0x80 ? strchr(plain, (int)character) : NULL;
    if (found != NULL) {
        ria_buf_add_char(out, '\\');
        ria_buf_add_char(out, letter[found - plain]);
    } else if (character >= ' ' && character <= '~') {
        ria_buf_add_char(out, (char)character);
    } else if (character > 0xffff) {
        uint32_t offset = character - 0x10000;
        ria_buf_addf(out, "\\u%04x\\u%04x", 0xd800 + (offset >> 10U), 0xdc00 + (offset & 0x3ffU));
    } else {
        ria_buf_addf(out, "\\u%04x", (unsigned)character);
    }
}

static void add_string(struct ria_buf *out, const char *text)
{
    ria_buf_add_char(out, '"');
    while (*text != '\0') {
        add_character(out, next_character(&text));
    }
    ria_buf_add_char(out, '"');
}

/* -- texts ---------------------------------------------------------------------------------- */

static void begin_member(
    struct ria_buf *out, const char *name, const char *comma, const char *colon)
{
    ria_buf_add_text(out, out->len == 1 ? "" : comma);
    add_string(out, name);
    ria_buf_add_text(out, colon);
}

static const struct {
    const char *name; /* in the order of Python's sorted() */
    enum ria_role_value value;
    bool is_of_web_identity;
} members[] = {
    {"DurationSeconds", RIA_ROLE_DURATION, false},
    {"ExternalId", RIA_ROLE_EXTERNAL_ID, false},
    {"RoleArn", RIA_ROLE_ARN, true},
    {"RoleSessionName", RIA_ROLE_SESSION_NAME, true},
    {"SerialNumber", RIA_ROLE_MFA_SERIAL, false},
};

bool ria_cli_cache_role_text(const struct ria_role *role, bool is_web_identity, struct ria_buf *out)
{
    static const enum ria_role_value ours[] = {
        RIA_ROLE_SOURCE_IDENTITY, RIA_ROLE_TAGS, RIA_ROLE_TRANSITIVE_TAG_KEYS};
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (role->value[ours[i]].value != NULL) {
            return false;
        }
    }
    ria_buf_add_char(out, '{');
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const struct ria_setting *setting = &role->value[members[i].value];
        /* A default of ours is nobody's setting. */
        if (setting->value == NULL || setting->path == NULL ||
            (is_web_identity && !members[i].is_of_web_identity)) {
            continue;
        }
        begin_member(out, members[i].name, ", ", ": ");
        if (members[i].value == RIA_ROLE_DURATION) {
            ria_buf_addf(out, "%lld", (long long)role->duration);
        } else {
            add_string(out, setting->value);
        }
    }
    ria_buf_add_char(out, '}');
    return !out->failed;
}

void ria_cli_cache_sso_text(const struct ria_plan *plan, struct ria_buf *out)
{
    const struct ria_setting *value = plan->value;
    bool has_session = value[RIA_PLAN_SSO_SESSION].value != NULL;
    ria_buf_add_char(out, '{');
    begin_member(out, "accountId", ",", ":");
    add_string(out, value[RIA_PLAN_SSO_ACCOUNT_ID].value);
    begin_member(out, "roleName", ",", ":");
    add_string(out, value[RIA_PLAN_SSO_ROLE_NAME].value);
    begin_member(out, has_session ? "sessionName" : "startUrl", ",", ":");
    add_string(out, ria_plan_origin(plan)->value);
    ria_buf_add_char(out, '}');
}

bool ria_cli_cache_key(
    const struct ria_buf *text, char key[RIA_CLI_KEY_SIZE], struct ria_error *err)
{
    uint8_t digest[RIA_SHA1_LEN];
    if (text->failed || !ria_sha1(text->data, text->len, digest, err)) {
        return false;
    }
    ria_hex_write(digest, sizeof(digest), key);
    return true;
}
