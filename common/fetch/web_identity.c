/* SPDX-License-Identifier: MIT
 *
 * Assumes the first role of the plan (aws/plan.h) with a web identity token from a file
 * (sts:AssumeRoleWithWebIdentity). The request is not signed. The token is in the body, so that no
 * log of URLs contains it. Rejects a file that does not contain a token of 4 to 20,000 characters.
 */
#include "fetch/sts.h"

#include "base/messages.h"

#include <stdio.h>
#include <string.h>

enum {
    TOKEN_MIN = 4, /* STS accepts 4 to 20,000 characters */
    TOKEN_MAX = 20000,
};

/* Reads the token file and removes spaces and newlines at its end. AWS rotates the file, so each
 * call reads the file again. */
static bool read_token(
    const struct ria_fetch *fetch,
    const struct ria_setting *file,
    struct ria_buf *out,
    struct ria_error *err)
{
    struct ria_file facts;
    const struct ria_named_file named = {file, "web_identity_token_file", "token file"};
    if (!ria_setting_read_named(fetch->world, &named, out, &facts, err)) {
        return false;
    }
    ria_buf_trim_end(out);
    if (out->len < TOKEN_MIN || strlen(out->data) != out->len) {
        return ria_fail_at(
            err, RIA_E_CREDENTIALS, file, "%s contains no token; create it again", file->value);
    }
    return true;
}

enum ria_outcome ria_fetch_web_identity(
    struct ria_fetch *fetch, struct ria_credentials *out, struct ria_error *err)
{
    const struct ria_role *role = &fetch->plan->roles[0];
    const struct ria_setting *arn = &role->value[RIA_ROLE_ARN];
    const struct ria_setting *file = &fetch->plan->value[RIA_PLAN_WEB_IDENTITY_TOKEN_FILE];
    RIA_AUTO(buf) token = {.max = TOKEN_MAX};
    RIA_AUTO(buf) form = {.max = RIA_RECORD_MAX};
    if (!read_token(fetch, file, &token, err)) {
        return RIA_FAILED;
    }
    ria_sts_begin(&form, "AssumeRoleWithWebIdentity");
    ria_form_add(&form, "RoleArn", arn->value);
    ria_form_add(&form, "RoleSessionName", role->value[RIA_ROLE_SESSION_NAME].value);
    ria_form_add_number(&form, "DurationSeconds", role->duration);
    ria_form_add(&form, "WebIdentityToken", token.data);
    if (ria_buf_text(&form) == NULL) {
        return ria_failed(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "STS");
    }
    struct ria_call_fault fault = {0};
    struct ria_sts_call call = {.body = &form, .region = &role->value[RIA_ROLE_REGION]};
    if (ria_sts_send(fetch, &call, out, &fault, err)) {
        (void)snprintf(
            out->source,
            sizeof(out->source),
            "role %.128s by %.100s",
            arn->value,
            fetch->plan->label);
        return RIA_FOUND;
    }
    if (fault.status == 0) {
        (void)ria_sts_fail_unanswered(arn, &fault, err);
    } else {
        (void)ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            arn,
            "the token in %.96s %s assume %.128s: STS says %s%s%.120s; %s",
            file->value,
            ria_call_is_passing(&fault) ? "could not" : "cannot",
            arn->value,
            fault.code,
            fault.message[0] == '\0' ? "" : ": ",
            fault.message,
            strcmp(fault.code, "AccessDenied") == 0
                ? "the role's trust policy must name the token's provider, audience and subject"
                : ria_sts_advice(&fault));
    }
    return RIA_FAILED;
}
