/* SPDX-License-Identifier: MIT
 *
 * Serves a request for the identity of AWS keys: calls STS's GetCallerIdentity with the keys of the
 * plan (aws/plan.h). The record that is returned to the caller contains the ARN, or the reason why
 * STS did not report the ARN. The record also contains the difference between STS's clock and this
 * machine's clock, if STS responded over HTTPS. */
#include "provider/identity_record.h"

#include "base/messages.h"
#include "base/text.h"
#include "fetch/sts.h"

static bool identity_refused(
    const struct ria_plan *plan, const struct ria_call_fault *fault, struct ria_error *err)
{
    return ria_fail_at(
        err,
        RIA_E_CREDENTIALS,
        ria_plan_source_setting(plan),
        "STS rejects the credentials of %.128s: %s%s%.200s; %s",
        plan->label,
        fault->code,
        fault->message[0] == '\0' ? "" : ", ",
        fault->message,
        ria_sts_advice(fault));
}

static bool identity_get(struct ria_fetch *fetch, struct ria_error *err)
{
    RIA_AUTO(buf) form = {.max = 128};
    RIA_AUTO(credentials) unused = RIA_CREDENTIALS_INIT;
    struct ria_call_fault fault = {0};
    ria_sts_begin(&form, "GetCallerIdentity");
    if (ria_buf_text(&form) == NULL) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "STS");
    }
    if (!ria_http_set_up()) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_LIBCURL);
    }
    const struct ria_sts_call call = {
        .body = &form,
        .signer = &fetch->plan->keys,
        .region = &fetch->plan->value[RIA_PLAN_IDENTITY_REGION],
        .has_no_credentials = true,
    };
    if (ria_sts_send(fetch, &call, &unused, &fault, err)) {
        return true;
    }
    if (fault.status != 0) {
        return identity_refused(fetch->plan, &fault, err);
    }
    char why[RIA_ERROR_TEXT_MAX];
    (void)ria_text_copy(why, sizeof(why), err->text);
    return ria_fail(
        err,
        RIA_E_CREDENTIALS,
        "STS %s: %.300s%s",
        ria_http_predicate(fault.result),
        why,
        ria_http_remedy(fault.result));
}

void ria_fetch_response_identity(struct ria_fetch *fetch, struct ria_buf *record)
{
    struct ria_error err = {0};
    struct ria_identity identity = {0};
    bool ok = identity_get(fetch, &err);
    identity.has_difference = fetch->has_difference;
    identity.difference = fetch->difference;
    (void)ria_text_copy(identity.arn, sizeof(identity.arn), fetch->result->identity);
    ria_identity_write(&identity, ok ? NULL : &err, record);
}
