/* SPDX-License-Identifier: MIT
 *
 * Calls an action of an AWS service that has a query API: STS, RDS or IAM. Signs the request if the
 * action requires it, and sends it again after a temporary error (ria_fetch_retry()). Learns the
 * offset of this machine's clock from the response and signs the next try with the corrected time;
 * does not set the clock. The caller builds the form and parses the response, which is XML.
 *
 * Follows the query protocol of AWS. Signs the same headers as botocore, with SigV4.
 */
#ifndef RIA_FETCH_QUERY_CALL_H
#define RIA_FETCH_QUERY_CALL_H

#include "fetch/fetch.h"

struct ria_call {
    enum ria_service service;
    const struct ria_buf *body;           /* the form-encoded parameters */
    const struct ria_credentials *signer; /* NULL: the request is not signed */
    const struct ria_setting *region;     /* determines the endpoint */
    /* Parses the body of a successful response. Returns false if the body is not a response of this
     * action. */
    bool (*parse)(void *self, const struct ria_buf *body);
    void *self;
};

/* Why a call did not succeed. */
struct ria_call_fault {
    long status;                 /* HTTP status of an error response; 0: no usable response */
    enum ria_http_result result; /* result of the last try */
    char code[64];               /* the service's error code: "AccessDenied" */
    char message[1024];          /* the service's error message, safe to show to the user */
};

/* Begins a form with the parameters Action and Version. If the text is too long or memory runs out,
 * this function and the three ria_form_add functions set form->failed. */
void ria_form_begin(struct ria_buf *form, const char *action, const char *version);

/* Each function appends "&name=value", with the value percent-encoded. ria_form_add_number()
 * appends nothing if the number is 0. ria_form_add() appends nothing if the value is NULL.
 * ria_form_add_bytes() always appends; the value must not be NULL. */
void ria_form_add_number(struct ria_buf *form, const char *name, int64_t number);
void ria_form_add(struct ria_buf *form, const char *name, const char *value);
void ria_form_add_bytes(struct ria_buf *form, const char *name, const char *value, size_t len);

/* Calls the service. Blocks until the deadline at most. Returns true if call->parse() accepted a
 * successful response. Returns false with *fault filled if the service refused the request. Returns
 * false with fault->status 0 and err filled if the service sent no usable response. */
bool ria_call_send(
    struct ria_fetch *fetch,
    const struct ria_call *call,
    struct ria_call_fault *fault,
    struct ria_error *err) RIA_MUST_USE;

/* Returns whether the error is temporary: the service throttles requests, has an internal error,
 * or cannot reach the identity provider (IDPCommunicationError). */
bool ria_call_is_passing(const struct ria_call_fault *fault);

/* An element to find, at any level of the document. */
struct ria_xml_wanted {
    const char *name;    /* name of the element, or the path from an ancestor to it: "Role/Arn" */
    struct ria_buf *out; /* receives its text; must be empty */
};

/* Parses an XML document with expat and copies the text of the `count` elements. If an element
 * occurs more than once, copies the first occurrence that has a text. Leaves the buffer of a
 * missing element empty. Returns false if the text is not well-formed, has a document type
 * declaration, more than 16 levels or names that are too long, or if an element's text does not
 * fit. */
bool ria_xml_read(const struct ria_buf *text, const struct ria_xml_wanted *wanted, size_t count)
    RIA_MUST_USE;

#endif
