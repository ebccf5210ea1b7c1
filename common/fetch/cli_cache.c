/* SPDX-License-Identifier: MIT
 *
 * Reads role credentials that the AWS CLI has cached. Does so only if the user has set
 * aws_cli_cache = read, because the file name of an entry does not tell which credentials assumed
 * the role. An entry is used only if it belongs to this role, has the configured session name (if
 * one is set), and does not expire within the life of an RDS token (15 minutes). Ignores every
 * other file, and an incomplete file, which the AWS CLI may still be writing.
 *
 * A key, which is the file name of an entry, is the digest of a JSON text in the format of Python's
 * json.dumps(): sorted members, ASCII only, \u escapes in lower case. jansson writes these escapes
 * in upper case, and the digest would differ, so this file formats the text itself. */
#include "fetch/cli_cache.h"

#include "aws/token.h"
#include "base/trust.h"
#include "codec/digest.h"
#include "codec/percent.h"
#include "fetch/document.h"
#include "fetch/fetch.h"

#include <stdio.h>
#include <string.h>

enum {
    FILE_MAX = 64 * 1024,
    KEY_TEXT_MAX = 8 * 1024,
};

/* -- strings -------------------------------------------------------------------------------- */

/* Decodes one UTF-8 character and advances *at. Returns an invalid byte as the character of the
 * same value. */
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

/* -- key texts ------------------------------------------------------------------------------ */

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
    static const enum ria_role_value unsupported[] = {
        RIA_ROLE_SOURCE_IDENTITY, RIA_ROLE_TAGS, RIA_ROLE_TRANSITIVE_TAG_KEYS};
    for (size_t i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++) {
        if (role->value[unsupported[i]].value != NULL) {
            return false;
        }
    }
    ria_buf_add_char(out, '{');
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const struct ria_setting *setting = &role->value[members[i].value];
        /* A setting without a path is a default of rds-iam. The AWS CLI does not have this default.
         */
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
    add_string(out, ria_plan_source_setting(plan)->value);
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

/* -- entries -------------------------------------------------------------------------------- */

/* Reads the cache entry that belongs to a key text. If other users can write the entry, ignores the
 * entry and adds a warning; the caller then requests the credentials from AWS. */
static bool cli_cache_read_entry(
    struct ria_fetch *fetch, const struct ria_buf *key_text, struct ria_document *out)
{
    const struct ria_world *world = fetch->world;
    char key[RIA_CLI_KEY_SIZE];
    char name[128];
    char path[RIA_PATH_MAX];
    struct ria_file file;
    struct ria_error err;
    RIA_AUTO(buf) text = {.max = FILE_MAX};
    if (!ria_cli_cache_key(key_text, key, &err)) {
        return false;
    }
    (void)snprintf(name, sizeof(name), "~/.aws/cli/cache/%s.json", key);
    if (!ria_setting_expand(world, name, path)) {
        return false;
    }
    const struct ria_trusted what = {
        path, "HOME=DIRECTORY (a directory that contains .aws/cli/cache)"};
    enum ria_outcome outcome = ria_trust_read(world, &what, &text, &file, &err);
    if (outcome == RIA_FAILED && file.mode != 0) {
        ria_response_warn(fetch->result, "%s; it is not used", err.text);
    }
    if (outcome != RIA_FOUND || !ria_document_read(&text, out)) {
        return false;
    }
    ria_fetch_warn_of_owner(fetch, path, &file, "its credentials are used");
    return true;
}

static bool cli_cache_parse_credentials(
    const struct ria_fetch *fetch, const struct ria_document *entry, struct ria_credentials *out)
{
    static const char parent[] = "Credentials";
    RIA_AUTO(credentials) found = RIA_CREDENTIALS_INIT;
    if (!ria_document_text(entry, parent, "AccessKeyId", &found.access_key_id) ||
        !ria_document_text(entry, parent, "SecretAccessKey", &found.secret_access_key) ||
        !ria_document_text(entry, parent, "SessionToken", &found.session_token) ||
        !ria_document_time(entry, parent, "Expiration", &found.expires) ||
        found.expires - ria_fetch_now(fetch) < RIA_TOKEN_LIFE ||
        !ria_credentials_are_plain(&found)) {
        return false;
    }
    ria_credentials_move(out, &found);
    return true;
}

/* Returns whether `session`, arn:P:sts::ACCOUNT:assumed-role/NAME/SESSION, is a session of the role
 * arn:P:iam::ACCOUNT:role/.../NAME. If the user has set a session name, SESSION must be equal to
 * it.
 */
static bool is_session_of(const char *session, const struct ria_role *role)
{
    const char *arn = role->value[RIA_ROLE_ARN].value;
    const struct ria_setting *session_name = &role->value[RIA_ROLE_SESSION_NAME];
    const char *service = strstr(arn, ":iam::");
    const char *name = strrchr(arn, '/');
    const char *resource = service == NULL ? NULL : strchr(service + 6, ':');
    if (name == NULL || resource == NULL) {
        return false;
    }
    RIA_AUTO(buf) beginning = {.max = RIA_PATH_MAX};
    ria_buf_add(&beginning, arn, (size_t)(service - arn));
    ria_buf_add_text(&beginning, ":sts::");
    ria_buf_add(&beginning, service + 6, (size_t)(resource - service - 6));
    ria_buf_add_text(&beginning, ":assumed-role");
    ria_buf_add_text(&beginning, name);
    ria_buf_add_char(&beginning, '/');
    return ria_buf_text(&beginning) != NULL &&
           strncmp(session, beginning.data, beginning.len) == 0 &&
           (session_name->path == NULL ||
            strcmp(session + beginning.len, session_name->value) == 0);
}

static bool find_role(struct ria_fetch *fetch, size_t number, struct ria_credentials *out)
{
    const struct ria_role *role = &fetch->plan->roles[number];
    bool is_web_identity = number == 0 && fetch->plan->source == RIA_SOURCE_WEB_IDENTITY;
    RIA_AUTO(buf) text = {.max = KEY_TEXT_MAX};
    RIA_AUTO(buf) arn = {.max = sizeof(fetch->result->identity) - 1};
    RIA_AUTO(document) entry = {0};
    if (!ria_cli_cache_role_text(role, is_web_identity, &text) ||
        !cli_cache_read_entry(fetch, &text, &entry) ||
        !ria_document_text(&entry, "AssumedRoleUser", "Arn", &arn) ||
        !is_session_of(arn.data, role) || !cli_cache_parse_credentials(fetch, &entry, out)) {
        return false;
    }
    (void)snprintf(fetch->result->identity, sizeof(fetch->result->identity), "%s", arn.data);
    (void)snprintf(
        out->source,
        sizeof(out->source),
        "role %.128s from the AWS CLI's cache",
        role->value[RIA_ROLE_ARN].value);
    return true;
}

static bool find_sso(struct ria_fetch *fetch, struct ria_credentials *out)
{
    RIA_AUTO(buf) text = {.max = KEY_TEXT_MAX};
    RIA_AUTO(buf) type = {.max = 16};
    RIA_AUTO(document) entry = {0};
    if (fetch->plan->source != RIA_SOURCE_SSO) {
        return false;
    }
    ria_cli_cache_sso_text(fetch->plan, &text);
    if (!cli_cache_read_entry(fetch, &text, &entry) ||
        !ria_document_text(&entry, NULL, "ProviderType", &type) || strcmp(type.data, "sso") != 0 ||
        !cli_cache_parse_credentials(fetch, &entry, out)) {
        return false;
    }
    (void)snprintf(
        out->source, sizeof(out->source), "%.128s from the AWS CLI's cache", fetch->plan->label);
    return true;
}

bool ria_fetch_cli_cache(struct ria_fetch *fetch, struct ria_credentials *out, size_t *roles)
{
    const struct ria_plan *plan = fetch->plan;
    /* If the user has entered an MFA code, the user wants a new session. */
    if (plan->value[RIA_PLAN_CLI_CACHE].value == NULL || plan->mfa_code[0] != '\0') {
        return false;
    }
    for (size_t i = plan->role_count; i > 0; i--) {
        if (find_role(fetch, i - 1, out)) {
            *roles = i;
            return true;
        }
    }
    *roles = 0;
    return find_sso(fetch, out);
}
