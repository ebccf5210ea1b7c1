/* SPDX-License-Identifier: MIT
 *
 * Parses credentials in JSON, with jansson. Container endpoints, the instance metadata service and
 * credential_process commands return credentials in this form, with the differences that struct
 * ria_json_form describes:
 *
 *   {"Version": 1, "AccessKeyId": "...", "SecretAccessKey": "...", "SessionToken": "...",
 *    "Expiration": "2026-08-22T12:34:56Z"}
 */
#ifndef RIA_FETCH_JSON_H
#define RIA_FETCH_JSON_H

#include "aws/credentials.h"
#include "rds_iam.h"

/* The form of a source's JSON. */
struct ria_json_form {
    const char *session_token; /* name of the member with the session token */
    bool needs_session_token;  /* the session token and the expiry time are required */
    bool has_version;          /* the member "Version": 1 is required */
    const char *wanted_code;   /* if "Code" is present, it must be equal to this; NULL: any */
};

/* Parses credentials. Member names are not case-sensitive. Requires a session token only if
 * form->needs_session_token is set. Returns true with *out filled. Returns false with err filled if
 * a member is missing or invalid, if the document is not JSON or has a duplicate name, if it
 * contains two spellings of a member of this form, or if memory runs out. The text of err is a
 * fragment for a message, such as "not JSON" or "the JSON has no AccessKeyId". The fragment never
 * quotes the document, except an unexpected Code. */
bool ria_json_credentials(
    const struct ria_buf *text,
    const struct ria_json_form *form,
    struct ria_credentials *out,
    struct ria_error *err) RIA_MUST_USE;

/* Copies the member "message" of an error document, in a form that may be shown to the user; "" if
 * the document has none. */
void ria_json_message(const struct ria_buf *text, char *out, size_t size);

/* Makes jansson use the allocator of wiped.h. Call this function once per process, before any other
 * use of jansson. */
void ria_json_set_up(void);

#endif
