/* SPDX-License-Identifier: MIT
 *
 * Credentials out of JSON, as container endpoints, the metadata service and credential processes
 * give them. By jansson; the tables of wanted members are the documentation.
 */
#ifndef RIA_FETCH_JSON_H
#define RIA_FETCH_JSON_H

#include "aws/credentials.h"
#include "rds_iam.h"

/* How a source writes them. */
struct ria_json_form {
    const char *session_token; /* name of that member */
    bool needs_session_token;  /* and an expiry */
    bool has_version;          /* "Version": 1 must be there */
    const char *wanted_code;   /* "Code" must be this if it is there, or NULL */
};

/* False with err filled: "no JSON", "no AccessKeyId", ...: the second half of a sentence; what the
 * document says is never quoted, but for a Code that is not the wanted one. */
bool ria_json_credentials(
    const struct ria_buf *text,
    const struct ria_json_form *form,
    struct ria_credentials *out,
    struct ria_error *err) RIA_MUST_USE;

/* The member "message" of an error document, for a sentence; "" if there is none. */
void ria_json_message(const struct ria_buf *text, char *out, size_t size);

/* Once per process. */
void ria_json_set_up(void);

#endif
