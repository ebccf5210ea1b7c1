/* SPDX-License-Identifier: MIT
 *
 * A plan's fields and three more. */
#include "provider/question.h"

#include "base/messages.h"

enum {
    TAG_BUDGET = RIA_FIELD_FIRST_FREE,
    TAG_CACHE_DIRECTORY,
    TAG_CACHE_NAME,
};

bool ria_question_write(
    const struct ria_plan *plan,
    int64_t budget,
    const char *cache_directory,
    const char *cache_name,
    struct ria_buf *out,
    struct ria_error *err)
{
    ria_record_begin(out, RIA_RECORD_QUESTION);
    ria_record_add_number(out, TAG_BUDGET, budget);
    if (cache_directory != NULL) {
        ria_record_add_text(out, TAG_CACHE_DIRECTORY, cache_directory);
        ria_record_add_text(out, TAG_CACHE_NAME, cache_name);
    }
    if (!ria_plan_write(plan, out, err)) {
        return false;
    }
    ria_record_end(out);
    if (ria_buf_text(out) == NULL) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a question to rds-iam-fetch");
    }
    return true;
}

static bool take_field(const struct ria_record_field *field, struct ria_question *out)
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
        return ria_plan_take_field(&out->plan, field);
    }
}

/* What each source cannot be asked without. Those that are not here need keys or a role. */
static const struct {
    enum ria_source source;
    enum ria_plan_value value;
} needs[] = {
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

static bool is_whole_plan(const struct ria_plan *plan)
{
    bool has_id = plan->keys.access_key_id.len > 0;
    bool ok = has_id == (plan->keys.secret_access_key.len > 0) &&
              (has_id || plan->keys.session_token.len == 0) &&
              (has_id || plan->source != RIA_SOURCE_KEYS) &&
              (plan->role_count > 0 || plan->source != RIA_SOURCE_WEB_IDENTITY);
    for (size_t i = 0; ok && i < sizeof(needs) / sizeof(needs[0]); i++) {
        ok = plan->source != needs[i].source || plan->value[needs[i].value].value != NULL;
    }
    for (size_t i = 0; ok && i < plan->role_count; i++) {
        const struct ria_setting *value = plan->roles[i].value;
        ok = value[RIA_ROLE_ARN].value != NULL && value[RIA_ROLE_REGION].value != NULL;
    }
    return ok;
}

bool ria_question_read(const struct ria_buf *bytes, struct ria_question *out)
{
    struct ria_record record;
    struct ria_record_field field;
    bool ok = ria_record_open(bytes, RIA_RECORD_QUESTION, &record);
    while (ok && ria_record_next(&record, &field)) {
        ok = take_field(&field, out);
    }
    return ok && out->budget > 0 && (out->cache_directory == NULL) == (out->cache_name == NULL) &&
           is_whole_plan(&out->plan);
}

void ria_question_release(struct ria_question *question)
{
    ria_plan_release(&question->plan);
    *question = (struct ria_question)RIA_QUESTION_INIT;
}
