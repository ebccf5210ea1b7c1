/* SPDX-License-Identifier: MIT
 *
 * Writes and reads requests to rds-iam-fetch as records (codec/record.h). A record contains the
 * plan (its settings, keys and roles), the time limit, and the directory and name of the cache
 * file. The reader rejects an unknown field, a number out of range, half a key pair, and a plan
 * without a setting that its source requires. */
#include "provider/request.h"

#include "base/messages.h"
#include "codec/record.h"

#include <stdlib.h>
#include <string.h>

/* Tags of the fields. The field of a setting is "value NUL path NUL line". The field includes the
 * path and the line, because rds-iam-fetch shows both in its messages. */
enum {
    TAG_SOURCE = 1,
    TAG_LABEL,
    TAG_ACCESS_KEY_ID,
    TAG_SECRET_ACCESS_KEY,
    TAG_SESSION_TOKEN,
    TAG_EXPIRES,
    TAG_MFA_CODE,
    TAG_NEXT_ROLE, /* starts a role; the role values that follow belong to it */
    TAG_ROLE_SECONDS,
    TAG_VALUE = 0x100,
    TAG_ROLE_VALUE = 0x200,
    TAG_BUDGET = 0x400, /* this field and the next two are not part of the plan */
    TAG_CACHE_DIRECTORY,
    TAG_CACHE_NAME,
};

static void write_setting(struct ria_buf *out, unsigned tag, const struct ria_setting *setting)
{
    if (setting->value == NULL) {
        return;
    }
    RIA_AUTO(buf) field = {.max = RIA_RECORD_MAX};
    const char *path = setting->path == NULL ? "" : setting->path;
    ria_buf_add(&field, setting->value, strlen(setting->value) + 1);
    ria_buf_add(&field, path, strlen(path) + 1);
    ria_buf_addf(&field, "%u", setting->line);
    if (field.failed) {
        out->failed = true;
        return;
    }
    ria_record_add(out, tag, field.data, field.len);
}

static void write_keys(struct ria_buf *out, const struct ria_credentials *keys)
{
    if (keys->access_key_id.len == 0) {
        return;
    }
    ria_record_add_text(out, TAG_ACCESS_KEY_ID, keys->access_key_id.data);
    ria_record_add_text(out, TAG_SECRET_ACCESS_KEY, keys->secret_access_key.data);
    if (keys->session_token.len > 0) {
        ria_record_add_text(out, TAG_SESSION_TOKEN, keys->session_token.data);
    }
    ria_record_add_number(out, TAG_EXPIRES, keys->expires);
}

static bool write_plan(const struct ria_plan *plan, struct ria_buf *out, struct ria_error *err)
{
    ria_record_add_number(out, TAG_SOURCE, plan->source);
    ria_record_add_text(out, TAG_LABEL, plan->label);
    write_keys(out, &plan->keys);
    if (plan->mfa_code[0] != '\0') {
        ria_record_add_text(out, TAG_MFA_CODE, plan->mfa_code);
    }
    for (unsigned i = 0; i < RIA_PLAN_VALUES; i++) {
        write_setting(out, TAG_VALUE + i, &plan->value[i]);
    }
    for (size_t i = 0; i < plan->role_count; i++) {
        ria_record_add_number(out, TAG_NEXT_ROLE, (int64_t)i);
        ria_record_add_number(out, TAG_ROLE_SECONDS, plan->roles[i].duration);
        for (unsigned j = 0; j < RIA_ROLE_VALUES; j++) {
            write_setting(out, TAG_ROLE_VALUE + j, &plan->roles[i].value[j]);
        }
    }
    if (out->failed) {
        return ria_fail(
            err,
            RIA_E_CONFIG,
            "%s: its settings and keys are longer than %d KB together, or memory ran out",
            plan->label,
            RIA_RECORD_MAX / 1024);
    }
    return true;
}

bool ria_request_write(
    const struct ria_plan *plan,
    int64_t budget,
    const char *cache_directory,
    const char *cache_name,
    struct ria_buf *out,
    struct ria_error *err)
{
    ria_record_begin(out, RIA_RECORD_REQUEST);
    ria_record_add_number(out, TAG_BUDGET, budget);
    if (cache_directory != NULL) {
        ria_record_add_text(out, TAG_CACHE_DIRECTORY, cache_directory);
        ria_record_add_text(out, TAG_CACHE_NAME, cache_name);
    }
    if (!write_plan(plan, out, err)) {
        return false;
    }
    ria_record_end(out);
    if (ria_buf_text(out) == NULL) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a request to rds-iam-fetch");
    }
    return true;
}

/* -- reading -------------------------------------------------------------------------------- */

static bool request_read_duration(struct ria_role *role, int64_t seconds)
{
    role->duration = seconds;
    return seconds == 0 ||
           (seconds >= ria_role_duration.least && seconds <= ria_role_duration.most);
}

static bool add_empty_role(struct ria_plan *plan)
{
    if (plan->role_count == RIA_ROLES_MAX) {
        return false;
    }
    plan->roles[plan->role_count++] = (struct ria_role){0};
    return true;
}

static bool request_read_number(struct ria_plan *plan, const struct ria_record_field *field)
{
    int64_t number = 0;
    if (!ria_record_number(field, &number)) {
        return false;
    }
    switch (field->tag) {
    case TAG_SOURCE:
        plan->source = (enum ria_source)number;
        return number >= 0 && number < RIA_SOURCES;
    case TAG_EXPIRES:
        plan->keys.expires = number;
        return true;
    case TAG_NEXT_ROLE:
        return add_empty_role(plan);
    case TAG_ROLE_SECONDS:
        return plan->role_count > 0 &&
               request_read_duration(&plan->roles[plan->role_count - 1], number);
    default:
        return false;
    }
}

static bool request_copy_text(const char *text, char *out, size_t size)
{
    size_t len = strlen(text);
    if (len >= size) {
        return false;
    }
    memcpy(out, text, len + 1);
    return true;
}

static bool request_read_text(struct ria_plan *plan, unsigned tag, const char *text)
{
    switch (tag) {
    case TAG_LABEL:
        return request_copy_text(text, plan->label, sizeof(plan->label));
    case TAG_MFA_CODE:
        return request_copy_text(text, plan->mfa_code, sizeof(plan->mfa_code));
    case TAG_ACCESS_KEY_ID:
        ria_buf_add_text(&plan->keys.access_key_id, text);
        return !plan->keys.access_key_id.failed;
    case TAG_SECRET_ACCESS_KEY:
        ria_buf_add_text(&plan->keys.secret_access_key, text);
        return !plan->keys.secret_access_key.failed;
    case TAG_SESSION_TOKEN:
        ria_buf_add_text(&plan->keys.session_token, text);
        return !plan->keys.session_token.failed;
    default:
        return false;
    }
}

/* Returns the setting of the plan that has this tag, or NULL if no setting has it. Also returns
 * NULL for a value of a role if the plan has no role yet. */
static struct ria_setting *find_setting(struct ria_plan *plan, unsigned tag)
{
    if (tag >= TAG_VALUE && tag < TAG_VALUE + RIA_PLAN_VALUES) {
        return &plan->value[tag - TAG_VALUE];
    }
    if (tag >= TAG_ROLE_VALUE && tag < TAG_ROLE_VALUE + RIA_ROLE_VALUES && plan->role_count > 0) {
        return &plan->roles[plan->role_count - 1].value[tag - TAG_ROLE_VALUE];
    }
    return NULL;
}

/* Reads a setting from its field, "value NUL path NUL line". The setting borrows from the field. */
static bool read_setting(struct ria_setting *setting, const struct ria_record_field *field)
{
    const char *end = field->bytes + field->len;
    const char *path = field->bytes + strlen(field->bytes) + 1;
    if (path >= end) {
        return false;
    }
    const char *line = path + strlen(path) + 1;
    if (line >= end) {
        return false;
    }
    *setting = (struct ria_setting){
        field->bytes, *path == '\0' ? NULL : path, (unsigned)strtoul(line, NULL, 10)};
    return true;
}

static bool read_plan_field(struct ria_plan *plan, const struct ria_record_field *field)
{
    struct ria_setting *setting = find_setting(plan, field->tag);
    if (setting != NULL) {
        return read_setting(setting, field);
    }
    if (field->tag == TAG_SOURCE || field->tag == TAG_EXPIRES || field->tag == TAG_NEXT_ROLE ||
        field->tag == TAG_ROLE_SECONDS) {
        return request_read_number(plan, field);
    }
    const char *text = ria_record_text(field);
    return text != NULL && request_read_text(plan, field->tag, text);
}

static bool request_read_field(const struct ria_record_field *field, struct ria_request *out)
{
    switch (field->tag) {
    case TAG_BUDGET:
        return ria_record_number(field, &out->budget);
    case TAG_CACHE_DIRECTORY:
        out->cache_directory = ria_record_text(field);
        return out->cache_directory != NULL;
    case TAG_CACHE_NAME:
        out->cache_name = ria_record_text(field);
        return out->cache_name != NULL;
    default:
        return read_plan_field(&out->plan, field);
    }
}

/* The values that each source requires. Two requirements are not listed, and is_complete_plan()
 * checks them: RIA_SOURCE_KEYS requires keys, and a web identity also requires a role. */
static const struct {
    enum ria_source source;
    enum ria_plan_value value;
} required[] = {
    {RIA_SOURCE_WEB_IDENTITY, RIA_PLAN_WEB_IDENTITY_TOKEN_FILE},
    {RIA_SOURCE_PROCESS, RIA_PLAN_PROCESS},
    {RIA_SOURCE_CONTAINER, RIA_PLAN_CONTAINER_URI},
    {RIA_SOURCE_INSTANCE, RIA_PLAN_METADATA_ENDPOINT},
    {RIA_SOURCE_SSO, RIA_PLAN_SSO_START_URL},
    {RIA_SOURCE_SSO, RIA_PLAN_SSO_REGION},
    {RIA_SOURCE_SSO, RIA_PLAN_SSO_ACCOUNT_ID},
    {RIA_SOURCE_SSO, RIA_PLAN_SSO_ROLE_NAME},
    {RIA_SOURCE_SSO, RIA_PLAN_SOURCE_PROFILE},
    {RIA_SOURCE_LOGIN, RIA_PLAN_LOGIN_SESSION},
    {RIA_SOURCE_LOGIN, RIA_PLAN_LOGIN_REGION},
    {RIA_SOURCE_LOGIN, RIA_PLAN_LOGIN_DIRECTORY},
    {RIA_SOURCE_LOGIN, RIA_PLAN_SOURCE_PROFILE},
};

/* Checks a plan with RIA_PLAN_IDENTITY_REGION, which asks AWS whose keys these are, or with
 * RIA_PLAN_QUESTION, which asks AWS another question. The source of such a plan must be a pair of
 * keys, and the plan must have no role. A plan with RIA_PLAN_QUESTION must also contain the region
 * and the name. Returns true for a plan that contains neither value and only gets credentials. */
static bool is_complete_question(const struct ria_plan *plan)
{
    bool is_question = plan->value[RIA_PLAN_QUESTION].value != NULL;
    bool is_plain = !is_question && plan->value[RIA_PLAN_IDENTITY_REGION].value == NULL;
    return (is_plain || (plan->source == RIA_SOURCE_KEYS && plan->role_count == 0)) &&
           (!is_question || (plan->value[RIA_PLAN_QUESTION_REGION].value != NULL &&
                             plan->value[RIA_PLAN_QUESTION_NAME].value != NULL));
}

/* Returns true if the keys are a pair, the source has everything that it requires, each role has an
 * ARN and a region, and a question is complete. */
static bool is_complete_plan(const struct ria_plan *plan)
{
    bool has_id = plan->keys.access_key_id.len > 0;
    bool ok = is_complete_question(plan) && has_id == (plan->keys.secret_access_key.len > 0) &&
              (has_id || plan->keys.session_token.len == 0) &&
              (has_id || plan->source != RIA_SOURCE_KEYS) &&
              (plan->role_count > 0 || plan->source != RIA_SOURCE_WEB_IDENTITY);
    for (size_t i = 0; ok && i < sizeof(required) / sizeof(required[0]); i++) {
        ok = plan->source != required[i].source || plan->value[required[i].value].value != NULL;
    }
    for (size_t i = 0; ok && i < plan->role_count; i++) {
        const struct ria_setting *value = plan->roles[i].value;
        ok = value[RIA_ROLE_ARN].value != NULL && value[RIA_ROLE_REGION].value != NULL;
    }
    return ok;
}

bool ria_request_read(const struct ria_buf *bytes, struct ria_request *out)
{
    struct ria_record record;
    struct ria_record_field field;
    bool ok = ria_record_open(bytes, RIA_RECORD_REQUEST, &record);
    while (ok && ria_record_next(&record, &field)) {
        ok = request_read_field(&field, out);
    }
    return ok && out->budget > 0 && (out->cache_directory == NULL) == (out->cache_name == NULL) &&
           is_complete_plan(&out->plan);
}

void ria_request_release(struct ria_request *request)
{
    ria_plan_release(&request->plan);
    *request = (struct ria_request)RIA_REQUEST_INIT;
}
