/* SPDX-License-Identifier: MIT
 *
 * Calls STS: parses the credentials or the identity in its response, and explains its errors.
 * query_call.c signs and sends the request. Rejects a response that lacks a part of the
 * credentials, or whose keys contain characters other than visible ASCII. */
#include "fetch/sts.h"

#include "base/messages.h"

#include <stdio.h>
#include <string.h>

void ria_sts_begin(struct ria_buf *form, const char *action)
{
    ria_form_begin(form, action, "2011-06-15");
}

/* -- the response --------------------------------------------------------------------------- */

static void set_identity(struct ria_fetch *fetch, const struct ria_buf *arn)
{
    (void)snprintf(
        fetch->result->identity,
        sizeof(fetch->result->identity),
        "%s",
        arn->len == 0 ? "" : arn->data);
    ria_printable(fetch->result->identity);
}

static bool sts_parse_identity(struct ria_fetch *fetch, const struct ria_buf *body)
{
    RIA_AUTO(buf) arn = {.max = sizeof(fetch->result->identity) - 1};
    const struct ria_xml_wanted wanted[] = {{"Arn", &arn}};
    if (!ria_xml_read(body, wanted, 1) || arn.len == 0) {
        return false;
    }
    set_identity(fetch, &arn);
    return true;
}

static bool sts_parse_credentials(
    struct ria_fetch *fetch, const struct ria_buf *body, struct ria_credentials *out)
{
    RIA_AUTO(buf) expiration = {.max = 64};
    RIA_AUTO(buf) arn = {.max = sizeof(fetch->result->identity) - 1};
    RIA_AUTO(credentials) found = RIA_CREDENTIALS_INIT;
    const struct ria_xml_wanted wanted[] = {
        {"AccessKeyId", &found.access_key_id},
        {"SecretAccessKey", &found.secret_access_key},
        {"SessionToken", &found.session_token},
        {"Expiration", &expiration},
        {"Arn", &arn},
    };
    if (!ria_xml_read(body, wanted, sizeof(wanted) / sizeof(wanted[0])) ||
        found.access_key_id.len == 0 || found.secret_access_key.len == 0 ||
        found.session_token.len == 0 || expiration.len == 0 ||
        !ria_timestamp_parse(expiration.data, &found.expires) ||
        !ria_credentials_are_plain(&found)) {
        return false;
    }
    set_identity(fetch, &arn);
    ria_credentials_move(out, &found);
    return true;
}

/* Where sts_parse() writes the parts of a response. */
struct sts_target {
    struct ria_fetch *fetch;
    struct ria_credentials *out;
    bool has_no_credentials;
};

static bool sts_parse(void *self, const struct ria_buf *body)
{
    const struct sts_target *target = self;
    return target->has_no_credentials ? sts_parse_identity(target->fetch, body)
                                      : sts_parse_credentials(target->fetch, body, target->out);
}

bool ria_sts_send(
    struct ria_fetch *fetch,
    const struct ria_sts_call *call,
    struct ria_credentials *out,
    struct ria_call_fault *fault,
    struct ria_error *err)
{
    struct sts_target target = {fetch, out, call->has_no_credentials};
    const struct ria_call request = {
        .service = RIA_SERVICE_STS,
        .body = call->body,
        .signer = call->signer,
        .region = call->region,
        .parse = sts_parse,
        .self = &target,
    };
    return ria_call_send(fetch, &request, fault, err);
}

/* -- errors --------------------------------------------------------------------------------- */

const char *ria_sts_advice(const struct ria_call_fault *fault)
{
    static const struct {
        const char *code;
        const char *advice;
    } table[] = {
        {"AccessDenied", "check the role's trust policy"},
        {"ExpiredToken", "the credentials of the request have expired; get new ones"},
        {"ExpiredTokenException", "the token has expired; get a new one"},
        {"InvalidClientTokenId",
         "AWS does not know the access key, or the session token beside it; check both"},
        {"SignatureDoesNotMatch",
         "the secret key does not belong to the access key, or the clock "
         "is wrong"},
        {"RegionDisabledException", "activate STS in that region, or set another region"},
        {"PackedPolicyTooLarge", "send fewer or shorter session tags"},
        {"IDPRejectedClaim", "the identity provider rejects the token; get a new one"},
        {"InvalidIdentityToken",
         "compare the token's issuer, key and audience with the account's identity provider"},
        {"ValidationError", "correct the value that STS names"},
    };
    if (strstr(fault->message, "MultiFactorAuthentication") != NULL) {
        return "enter the code that the device shows now; a code is valid for one call";
    }
    if (strstr(fault->message, "role chaining") != NULL) {
        return "a role that is assumed with another role's credentials lasts one hour at most: set "
               "duration_seconds to 3600 or less";
    }
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(fault->code, table[i].code) == 0) {
            return table[i].advice;
        }
    }
    return ria_call_is_passing(fault) ? RIA_REMEDY_LATER : "see the STS API's list of errors";
}

bool ria_sts_fail_unanswered(
    const struct ria_setting *arn, const struct ria_call_fault *fault, struct ria_error *err)
{
    return ria_fail_at(
        err,
        RIA_E_CREDENTIALS,
        arn,
        "%.128s could not be assumed, because STS %s: %s%s",
        arn->value,
        ria_http_predicate(fault->result),
        err->text,
        ria_http_remedy(fault->result));
}
