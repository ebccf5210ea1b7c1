/* SPDX-License-Identifier: MIT
 *
 * Calls an action of the Security Token Service (STS): one that returns credentials, or
 * GetCallerIdentity. Signs the request if the action requires it, sends it up to three times and
 * parses the XML response. Learns the offset of this machine's clock from the response and signs
 * the next try with the corrected time; does not set the clock. assume_role.c, web_identity.c and
 * identity.c choose the action and write the message about a refusal.
 *
 * Follows the STS API 2011-06-15 (query protocol). Signs the same headers as botocore, with SigV4.
 */
#ifndef RIA_FETCH_STS_H
#define RIA_FETCH_STS_H

#include "fetch/fetch.h"

struct ria_sts_call {
    const struct ria_buf *body;           /* the form-encoded parameters */
    const struct ria_credentials *signer; /* NULL: the request is not signed */
    const struct ria_setting *region;     /* determines the endpoint */
    bool has_no_credentials; /* the action is GetCallerIdentity: its response is only an ARN */
};

/* Why STS returned no credentials. */
struct ria_sts_fault {
    long status;                 /* HTTP status of an error response; 0: no usable response */
    enum ria_http_result result; /* result of the last try */
    char code[64];               /* STS's error code: "AccessDenied" */
    char message[1024];          /* STS's error message, safe to show to the user */
};

/* Begins a form with the parameters Action and Version. If the text is too long or memory runs out,
 * this function and the functions below set form->failed. */
void ria_sts_begin(struct ria_buf *form, const char *action);

/* Each function appends "&name=value", with the value percent-encoded. ria_sts_add_number() appends
 * nothing if the number is 0. ria_sts_add() appends nothing if the value is NULL.
 * ria_sts_add_bytes() always appends; the value must not be NULL. */
void ria_sts_add_number(struct ria_buf *form, const char *name, int64_t number);
void ria_sts_add(struct ria_buf *form, const char *name, const char *value);
void ria_sts_add_bytes(struct ria_buf *form, const char *name, const char *value, size_t len);

/* Calls STS; blocks until the deadline at most. *out must be empty before the call, and stays empty
 * if the action returns no credentials. On success, returns true with *out filled and
 * fetch->result->identity set to the ARN in the response, or to
 * "" if the response has no ARN. Returns false with *fault filled if STS refused the request.
 * Returns false with fault->status 0 and err filled if STS sent no usable response. */
bool ria_sts_send(
    struct ria_fetch *fetch,
    const struct ria_sts_call *call,
    struct ria_credentials *out,
    struct ria_sts_fault *fault,
    struct ria_error *err) RIA_MUST_USE;

/* Replaces the message in *err by a complete message about a role that could not be assumed because
 * STS sent no usable response. Before the call, *err contains the reason. Returns false. */
bool ria_sts_fail_unanswered(
    const struct ria_setting *arn, const struct ria_sts_fault *fault, struct ria_error *err);

/* Returns whether the error is temporary: STS throttles requests, has an internal error, or cannot
 * reach the identity provider (IDPCommunicationError). */
bool ria_sts_is_passing(const struct ria_sts_fault *fault);

/* Returns the part of a message after the semicolon: what to do about a refusal. Depends on the
 * code of the refusal and, for MFA and role chaining, on its message. */
const char *ria_sts_advice(const struct ria_sts_fault *fault);

/* An element to find in STS's XML, at any level of the document. */
struct ria_xml_wanted {
    const char *name;    /* name of the element */
    struct ria_buf *out; /* receives its text; must be empty */
};

/* Parses an XML document with expat and copies the text of the `count` elements. If an element
 * occurs more than once, copies the first occurrence. Leaves the buffer of a missing element empty.
 * Returns false if the text is not well-formed, has a document type declaration or more than eight
 * levels, or if an element's text does not fit. */
bool ria_xml_read(const struct ria_buf *text, const struct ria_xml_wanted *wanted, size_t count)
    RIA_MUST_USE;

#endif
