/* SPDX-License-Identifier: MIT
 *
 * Plans as records and as cache names. Both run over the same two arrays of settings. */
#include "aws/plan.h"

#include "base/messages.h"
#include "base/text.h"
#include "codec/digest.h"
#include "codec/percent.h"

#include <stdlib.h>
#include <string.h>

/* Tags of the fields. A setting's place travels with it, for the sentences of rds-iam-fetch: the
 * field is "value 0 path 0 line". */
enum {
    TAG_SOURCE = 1,
    TAG_LABEL,
    TAG_ACCESS_KEY_ID,
    TAG_SECRET_ACCESS_KEY,
    TAG_SESSION_TOKEN,
    TAG_EXPIRES,
    TAG_MFA_CODE,
    TAG_NEXT_ROLE, /* the role values behind it belong to one more role */
    TAG_ROLE_SECONDS,
    TAG_VALUE = 0x100,
    TAG_ROLE_VALUE = 0x200,
};

const struct ria_range ria_role_duration = {"duration_seconds", 900, 43200};

bool ria_plan_needs_fetch(const struct ria_plan *plan)
{
    return plan->source != RIA_SOURCE_KEYS || plan->role_count > 0;
}

const struct ria_setting *ria_plan_origin(const struct ria_plan *plan)
{
    static const enum ria_plan_value origins[] = {
        [RIA_SOURCE_KEYS] = RIA_PLAN_KEYS,
        [RIA_SOURCE_WEB_IDENTITY] = RIA_PLAN_WEB_IDENTITY_TOKEN_FILE,
        [RIA_SOURCE_PROCESS] = RIA_PLAN_PROCESS,
        [RIA_SOURCE_CONTAINER] = RIA_PLAN_CONTAINER_URI,
        [RIA_SOURCE_INSTANCE] = RIA_PLAN_METADATA_ENDPOINT,
        [RIA_SOURCE_SSO] = RIA_PLAN_SSO_SESSION,
        [RIA_SOURCE_LOGIN] = RIA_PLAN_LOGIN_SESSION,
    };
    if (plan->source == RIA_SOURCE_SSO && plan->value[RIA_PLAN_SSO_SESSION].value == NULL) {
        return &plan->value[RIA_PLAN_SSO_START_URL];
    }
    return &plan->value[origins[plan->source]];
}

void ria_plan_describe(const struct ria_plan *plan, char *out, size_t size)
{
    const struct ria_setting *origin = ria_plan_origin(plan);
    if (origin->line > 0) {
        (void)ria_text_format(out, size, "%s (%s:%u)", plan->label, origin->path, origin->line);
    } else {
        (void)ria_text_copy(out, size, plan->label);
    }
}

/* The variant that decides, or the region. */
static const struct ria_setting *variant_or_region(
    const struct ria_plan *plan, bool is_legacy, const struct ria_setting *region)
{
    const struct ria_setting *const variants[] = {
        &plan->value[RIA_PLAN_FIPS],
        &plan->value[RIA_PLAN_DUAL_STACK],
        &plan->value[RIA_PLAN_STS_LEGACY],
    };
    for (size_t i = 0; i < (is_legacy ? 3 : 2); i++) {
        if (variants[i]->value != NULL) {
            return variants[i];
        }
    }
    return region;
}

bool ria_plan_service(
    const struct ria_plan *plan,
    enum ria_service service,
    const struct ria_setting *region,
    struct ria_plan_endpoint *out)
{
    const struct ria_setting *custom = &plan->value[RIA_PLAN_STS_URL + (unsigned)service];
    const struct ria_service_variant variant = {
        .is_fips = plan->value[RIA_PLAN_FIPS].value != NULL,
        .is_dual_stack = plan->value[RIA_PLAN_DUAL_STACK].value != NULL,
        .is_legacy = plan->value[RIA_PLAN_STS_LEGACY].value != NULL,
    };
    struct ria_service_endpoint own;
    ria_service_endpoint(service, region->value, &variant, &own);
    bool is_legacy = strcmp(own.region, region->value) != 0;
    if (custom->value != NULL) {
        out->from = custom;
        (void)ria_text_copy(out->region, sizeof(out->region), region->value);
        return ria_text_copy(out->url, sizeof(out->url), custom->value);
    }
    out->from = variant_or_region(plan, is_legacy, region);
    memcpy(out->region, own.region, sizeof(out->region));
    (void)ria_text_format(out->url, sizeof(out->url), "https://%s/", own.host);
    return true;
}

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

bool ria_plan_write(const struct ria_plan *plan, struct ria_buf *out, struct ria_error *err)
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

/* -- reading -------------------------------------------------------------------------------- */

static bool take_duration(struct ria_role *role, int64_t seconds)
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
    plan->role_count++;
    return true;
}

static bool take_number(struct ria_plan *plan, const struct ria_record_field *field)
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
        return plan->role_count > 0 && take_duration(&plan->roles[plan->role_count - 1], number);
    default:
        return false;
    }
}

static bool copy_text(const char *text, char *out, size_t size)
{
    size_t len = strlen(text);
    if (len >= size) {
        return false;
    }
    memcpy(out, text, len + 1);
    return true;
}

static bool take_text(struct ria_plan *plan, unsigned tag, const char *text)
{
    switch (tag) {
    case TAG_LABEL:
        return copy_text(text, plan->label, sizeof(plan->label));
    case TAG_MFA_CODE:
        return copy_text(text, plan->mfa_code, sizeof(plan->mfa_code));
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

/* The setting that a tag stands for, or NULL. */
static struct ria_setting *setting_of(struct ria_plan *plan, unsigned tag)
{
    if (tag >= TAG_VALUE && tag < TAG_VALUE + RIA_PLAN_VALUES) {
        return &plan->value[tag - TAG_VALUE];
    }
    if (tag >= TAG_ROLE_VALUE && tag < TAG_ROLE_VALUE + RIA_ROLE_VALUES && plan->role_count > 0) {
        return &plan->roles[plan->role_count - 1].value[tag - TAG_ROLE_VALUE];
    }
    return NULL;
}

static bool take_setting(struct ria_setting *setting, const struct ria_record_field *field)
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

bool ria_plan_take_field(struct ria_plan *plan, const struct ria_record_field *field)
{
    struct ria_setting *setting = setting_of(plan, field->tag);
    if (setting != NULL) {
        return take_setting(setting, field);
    }
    if (field->tag == TAG_SOURCE || field->tag == TAG_EXPIRES || field->tag == TAG_NEXT_ROLE ||
        field->tag == TAG_ROLE_SECONDS) {
        return take_number(plan, field);
    }
    const char *text = ria_record_text(field);
    return text != NULL && take_text(plan, field->tag, text);
}

/* -- the name in the cache ------------------------------------------------------------------ */

/* Values that say whose credentials they are. Where a CA bundle lies, say, does not matter. */
static const enum ria_plan_value identifying[] = {
    RIA_PLAN_WEB_IDENTITY_TOKEN_FILE,
    RIA_PLAN_PROCESS,
    RIA_PLAN_CONTAINER_URI,
    RIA_PLAN_METADATA_ENDPOINT,
    RIA_PLAN_SSO_SESSION,
    RIA_PLAN_SSO_START_URL,
    RIA_PLAN_SSO_REGION,
    RIA_PLAN_SSO_ACCOUNT_ID,
    RIA_PLAN_SSO_ROLE_NAME,
    RIA_PLAN_LOGIN_SESSION,
    RIA_PLAN_LOGIN_DIRECTORY,
    RIA_PLAN_STS_URL,
    RIA_PLAN_SSO_URL,
    RIA_PLAN_SSO_OIDC_URL,
    RIA_PLAN_SIGNIN_URL,
    RIA_PLAN_CLI_CACHE, /* whose entries may be of another source */
};

/* A digest in place of the value, so that no secret goes into the text that is hashed again. */
static bool add_digest(struct ria_buf *out, const char *bytes, size_t len, struct ria_error *err)
{
    uint8_t digest[RIA_SHA256_LEN];
    if (!ria_sha256(bytes, len, digest, err)) {
        return false;
    }
    ria_hex_add(out, digest, sizeof(digest));
    ria_buf_add_char(out, '\n');
    return true;
}

static void add_value(
    struct ria_buf *out, const char *kind, unsigned i, const struct ria_setting *s)
{
    if (s->value != NULL) {
        ria_buf_addf(out, "%s %u %zu %s\n", kind, i, strlen(s->value), s->value);
    }
}

static bool add_identity(
    struct ria_buf *out,
    const struct ria_plan *plan,
    const struct ria_buf *evidence,
    struct ria_error *err)
{
    ria_buf_addf(out, "source %d\n", (int)plan->source);
    for (size_t i = 0; i < sizeof(identifying) / sizeof(identifying[0]); i++) {
        add_value(out, "value", identifying[i], &plan->value[identifying[i]]);
    }
    /* The same command may look at the profile that it is written in. */
    const struct ria_setting *process = &plan->value[RIA_PLAN_PROCESS];
    if (process->value != NULL) {
        ria_buf_addf(out, "file %s\n", process->path == NULL ? "" : process->path);
        add_value(out, "value", RIA_PLAN_SOURCE_PROFILE, &plan->value[RIA_PLAN_SOURCE_PROFILE]);
    }
    for (size_t i = 0; i < plan->role_count; i++) {
        ria_buf_addf(out, "role %zu\n", i);
        for (unsigned j = 0; j < RIA_ROLE_VALUES; j++) {
            add_value(out, "value", j, &plan->roles[i].value[j]);
        }
    }
    const struct ria_setting *token = &plan->value[RIA_PLAN_CONTAINER_TOKEN];
    const struct ria_credentials *keys = &plan->keys;
    return (keys->access_key_id.len == 0 ||
            add_digest(out, keys->access_key_id.data, keys->access_key_id.len, err)) &&
           (keys->session_token.len == 0 ||
            add_digest(out, keys->session_token.data, keys->session_token.len, err)) &&
           (token->value == NULL || add_digest(out, token->value, strlen(token->value), err)) &&
           (evidence == NULL || evidence->len == 0 ||
            add_digest(out, evidence->data, evidence->len, err));
}

bool ria_plan_cache_name(
    const struct ria_plan *plan,
    const char *host,
    const struct ria_buf *evidence,
    char name[RIA_CACHE_NAME_SIZE],
    struct ria_error *err)
{
    RIA_AUTO(buf) text = {.max = (size_t)2 * RIA_RECORD_MAX};
    ria_buf_addf(&text, "host %s\n", host == NULL ? "" : host);
    if (!add_identity(&text, plan, evidence, err)) {
        return false;
    }
    uint8_t digest[RIA_SHA256_LEN];
    if (ria_buf_text(&text) == NULL || !ria_sha256(text.data, text.len, digest, err)) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "the name of a cache entry");
    }
    ria_hex_write(digest, sizeof(digest), name);
    return true;
}

void ria_plan_release(struct ria_plan *plan)
{
    ria_credentials_release(&plan->keys);
    if (plan->profiles != NULL) {
        ria_profiles_release(plan->profiles);
        free(plan->profiles);
    }
    explicit_bzero(plan->mfa_code, sizeof(plan->mfa_code));
    /* Not the whole of it: that is some KB of roles, which nearly no plan has. */
    memset(plan->roles, 0, plan->role_count * sizeof(plan->roles[0]));
    memset(plan->value, 0, sizeof(plan->value));
    plan->role_count = 0;
    plan->source = RIA_SOURCE_KEYS;
    plan->label[0] = '\0';
    plan->profiles = NULL;
}
