/* SPDX-License-Identifier: MIT
 *
 * Assumes a role: sends sts:AssumeRole, signed with the credentials of the source or of the
 * previous role, and parses the credentials of the role. Rejects keys that contain characters other
 * than visible ASCII, a role that needs an MFA code if no code was entered, and settings that do
 * not fit into a request. If STS refuses the request because a permission is missing, the message
 * names the policy to check. */
#include "aws/tag.h"
#include "fetch/sts.h"

#include <stdio.h>
#include <string.h>

enum {
    ADVICE_MAX = 256,
    /* Enough for the message "User: ARN is not authorized to perform: sts:SetSourceIdentity" with
     * an ARN of 130 bytes. */
    MESSAGE_SHOWN = 200,
};

static void add_tags(struct ria_buf *form, const char *list)
{
    struct ria_tag tag;
    for (unsigned i = 1; list != NULL && ria_tag_next(&list, &tag); i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "Tags.member.%u.Key", i);
        ria_form_add_bytes(form, name, tag.key, tag.key_len);
        (void)snprintf(name, sizeof(name), "Tags.member.%u.Value", i);
        ria_form_add_bytes(form, name, tag.value == NULL ? "" : tag.value, tag.value_len);
    }
}

static void add_transitive_keys(struct ria_buf *form, const char *list)
{
    struct ria_tag tag;
    for (unsigned i = 1; list != NULL && ria_tag_next(&list, &tag); i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "TransitiveTagKeys.member.%u", i);
        ria_form_add_bytes(form, name, tag.key, tag.key_len);
    }
}

static void add_form(struct ria_buf *form, const struct ria_role *role, const struct ria_plan *plan)
{
    const struct ria_setting *value = role->value;
    ria_sts_begin(form, "AssumeRole");
    ria_form_add(form, "RoleArn", value[RIA_ROLE_ARN].value);
    ria_form_add(form, "RoleSessionName", value[RIA_ROLE_SESSION_NAME].value);
    ria_form_add(form, "ExternalId", value[RIA_ROLE_EXTERNAL_ID].value);
    ria_form_add_number(form, "DurationSeconds", role->duration);
    ria_form_add(form, "SourceIdentity", value[RIA_ROLE_SOURCE_IDENTITY].value);
    if (value[RIA_ROLE_MFA_SERIAL].value != NULL) {
        ria_form_add(form, "SerialNumber", value[RIA_ROLE_MFA_SERIAL].value);
        ria_form_add(form, "TokenCode", plan->mfa_code);
    }
    add_tags(form, value[RIA_ROLE_TAGS].value);
    add_transitive_keys(form, value[RIA_ROLE_TRANSITIVE_TAG_KEYS].value);
}

/* Returns the policy that the user should check, or NULL if the message names no policy. Usually
 * the caller's policy and the role's trust policy must both allow the call. The message of STS may
 * name the kind of policy that denied the call (IAM User Guide, "Troubleshoot access denied error
 * messages"). */
static const char *policy_to_check(const char *message)
{
    static const struct {
        const char *words;
        const char *policy;
    } table[] = {
        {"trust policy", "the role's trust policy"},
        {"resource-based policy", "the role's trust policy"},
        {"identity-based policy", "the caller's own policy"},
        {"session policy", "the session policy of the caller"},
        {"permissions boundary", "the caller's permissions boundary"},
        {"service control policy", "the service control policy of the caller's account"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strstr(message, table[i].words) != NULL) {
            return table[i].policy;
        }
    }
    return NULL;
}

/* Returns what the user should do about a refusal: the part of the message after the semicolon. If
 * this text is not a constant, writes it to `room`. */
static const char *advice(
    const struct ria_role *role, const struct ria_call_fault *fault, char room[ADVICE_MAX])
{
    static const struct {
        const char *action;
        const char *reason;
    } table[] = {
        {"sts:TagSession", "for sent or inherited tags, "},
        {"sts:SetSourceIdentity", "for a source identity, "},
        {"sts:AssumeRole", ""},
    };
    const size_t count = sizeof(table) / sizeof(table[0]);
    size_t i = 0;
    while (i < count && strstr(fault->message, table[i].action) == NULL) {
        i++;
    }
    if (strcmp(fault->code, "AccessDenied") != 0 || i == count) {
        return ria_sts_advice(fault);
    }
    const char *policy = policy_to_check(fault->message);
    const char *external_id = "";
    const char *missing = "";
    bool is_assume = strcmp(table[i].action, "sts:AssumeRole") == 0;
    if (policy == NULL) {
        /* STS sends the same message for a role that does not exist. */
        policy = "both the caller's own policy and the role's trust policy";
        missing = is_assume ? "; or the role does not exist: compare its name" : "";
    }
    if (is_assume && strstr(policy, "trust") != NULL) {
        external_id = role->value[RIA_ROLE_EXTERNAL_ID].value == NULL
                          ? ", which may require an external_id"
                          : ", which may require another external_id";
    }
    (void)snprintf(
        room,
        ADVICE_MAX,
        "%s%s must be allowed by %s%s%s",
        table[i].reason,
        table[i].action,
        policy,
        external_id,
        missing);
    return room;
}

static bool assume_role_refused(
    const struct ria_role *role,
    const struct ria_credentials *caller,
    const struct ria_call_fault *fault,
    struct ria_error *err)
{
    const struct ria_setting *arn = &role->value[RIA_ROLE_ARN];
    char room[ADVICE_MAX];
    /* Cut the message before the resource, because the role is already named and the space is
     * needed for the caller and the action. */
    const char *resource = strstr(fault->message, " on resource: ");
    size_t len = resource != NULL ? (size_t)(resource - fault->message) : strlen(fault->message);
    return ria_fail_at(
        err,
        RIA_E_CREDENTIALS,
        arn,
        "%.64s %s assume %.128s: STS says %s%s%.*s; %s",
        caller->access_key_id.data,
        strcmp(fault->code, "AccessDenied") == 0 ? "cannot" : "could not",
        arn->value,
        fault->code,
        len == 0 ? "" : ": ",
        len < MESSAGE_SHOWN ? (int)len : MESSAGE_SHOWN,
        fault->message,
        advice(role, fault, room));
}

bool ria_fetch_assume_role(
    struct ria_fetch *fetch,
    const struct ria_role *role,
    struct ria_credentials *credentials,
    struct ria_error *err)
{
    const struct ria_setting *arn = &role->value[RIA_ROLE_ARN];
    RIA_AUTO(buf) form = {.max = RIA_RECORD_MAX};
    RIA_AUTO(credentials) found = RIA_CREDENTIALS_INIT;
    struct ria_call_fault fault = {0};
    if (!ria_credentials_are_plain(credentials)) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            arn,
            "the keys that sign the request (%.100s) contain characters other than visible ASCII; "
            "correct them",
            credentials->source);
    }
    if (role->value[RIA_ROLE_MFA_SERIAL].value != NULL && fetch->plan->mfa_code[0] == '\0') {
        return ria_fail(err, RIA_E_MFA, "the role needs an MFA code");
    }
    add_form(&form, role, fetch->plan);
    if (ria_buf_text(&form) == NULL) {
        return ria_fail_at(err, RIA_E_CREDENTIALS, arn, "the role's settings are too long for STS");
    }
    struct ria_sts_call call = {
        .body = &form, .signer = credentials, .region = &role->value[RIA_ROLE_REGION]};
    if (!ria_sts_send(fetch, &call, &found, &fault, err)) {
        return fault.status != 0 ? assume_role_refused(role, credentials, &fault, err)
                                 : ria_sts_fail_unanswered(arn, &fault, err);
    }
    (void)snprintf(
        found.source,
        sizeof(found.source),
        "role %.128s by %.100s",
        arn->value,
        credentials->source);
    ria_credentials_move(credentials, &found);
    return true;
}
