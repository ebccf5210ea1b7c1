/* SPDX-License-Identifier: MIT
 *
 * One call of the Security Token Service that gives credentials: the request, signed or not, up to
 * three tries, the answer's XML, and the clock. Which action and what a refusal means is said by
 * assume_role.c and web_identity.c.
 *
 * Follows the STS API 2011-06-15 (query protocol) and SigV4 with the headers that botocore signs.
 */
#ifndef RIA_FETCH_STS_H
#define RIA_FETCH_STS_H

#include "fetch/fetch.h"

struct ria_sts_call {
    const struct ria_buf *body;           /* the form */
    const struct ria_credentials *signer; /* NULL: not signed */
    const struct ria_role *role;          /* says where */
};

/* What STS says when it says no. */
struct ria_sts_fault {
    long status;                 /* 0: it said nothing; err says why */
    enum ria_http_result result; /* of the last try */
    char code[64];               /* "AccessDenied" */
    char message[1024];          /* its own words, for a sentence */
};

/* Begins a form: Action and Version. */
void ria_sts_begin(struct ria_buf *form, const char *action);

/* Appends "&name=value"; nothing where the value is NULL, or the number 0. */
void ria_sts_add_number(struct ria_buf *form, const char *name, int64_t number);
void ria_sts_add(struct ria_buf *form, const char *name, const char *value);
void ria_sts_add_bytes(struct ria_buf *form, const char *name, const char *value, size_t len);

/* True with *out (empty before) and fetch->answer->identity filled. False: *fault says how STS
 * refused, or its status is 0 and err is filled. */
bool ria_sts_send(
    struct ria_fetch *fetch,
    const struct ria_sts_call *call,
    struct ria_credentials *out,
    struct ria_sts_fault *fault,
    struct ria_error *err) RIA_MUST_USE;

/* Words the failure of a role that STS has said nothing about: *err holds the reason, and gets the
 * whole sentence. Returns false. */
bool ria_sts_fail_unanswered(
    const struct ria_setting *arn, const struct ria_sts_fault *fault, struct ria_error *err);

/* Nobody was refused: STS is busy or broken, and may answer later. */
bool ria_sts_is_passing(const struct ria_sts_fault *fault);

/* What to do about a refusal, by its code: the end of a sentence. */
const char *ria_sts_advice(const struct ria_sts_fault *fault);

/* STS's XML: the text of a few elements, wherever in the document they stand. By expat, with
 * limits: no document type, eight levels, and the first element of a name counts. */
struct ria_xml_wanted {
    const char *name;    /* of the element, without a namespace */
    struct ria_buf *out; /* where its text goes */
};

/* False if the text is not such a document, or an element's text does not fit. */
bool ria_xml_read(const struct ria_buf *text, const struct ria_xml_wanted *wanted, size_t count)
    RIA_MUST_USE;

#endif
