/* SPDX-License-Identifier: MIT
 *
 * Calls an action of the Security Token Service (STS): an action that returns credentials, or
 * GetCallerIdentity. Parses the response. assume_role.c, web_identity.c and caller_identity.c
 * choose the action and write the message about a refusal.
 *
 * Follows the STS API 2011-06-15.
 */
#ifndef RIA_FETCH_STS_H
#define RIA_FETCH_STS_H

#include "fetch/query_call.h"

struct ria_sts_call {
    const struct ria_buf *body;           /* the form-encoded parameters */
    const struct ria_credentials *signer; /* NULL: the request is not signed */
    const struct ria_setting *region;     /* determines the endpoint */
    bool has_no_credentials; /* the action is GetCallerIdentity: its response is only an ARN */
};

/* Begins a form for an action of STS, as ria_form_begin() does. */
void ria_sts_begin(struct ria_buf *form, const char *action);

/* Calls STS. Blocks until the deadline at most. *out must be empty before the call, and stays empty
 * if the action returns no credentials. On success, returns true with *out filled and
 * fetch->result->identity set to the ARN in the response, or to "" if the response contains no ARN.
 * Returns false with *fault filled if STS refused the request. Returns false with fault->status 0
 * and err filled if STS sent no usable response. */
bool ria_sts_send(
    struct ria_fetch *fetch,
    const struct ria_sts_call *call,
    struct ria_credentials *out,
    struct ria_call_fault *fault,
    struct ria_error *err) RIA_MUST_USE;

/* Replaces the message in *err by a complete message about a role that could not be assumed because
 * STS sent no usable response. Before the call, *err contains the reason. Returns false. */
bool ria_sts_fail_unanswered(
    const struct ria_setting *arn, const struct ria_call_fault *fault, struct ria_error *err);

/* Returns the part of a message after the semicolon: what to do about a refusal. Depends on the
 * code of the refusal and, for MFA and role chaining, on its message. */
const char *ria_sts_advice(const struct ria_call_fault *fault);

#endif
