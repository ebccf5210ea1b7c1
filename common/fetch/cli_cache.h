/* SPDX-License-Identifier: MIT
 *
 * Computes the keys of the AWS CLI's cache of role credentials, ~/.aws/cli/cache/KEY.json.
 * ria_fetch_cli_cache() of fetch/fetch.h reads the entries.
 *
 * A key is the SHA-1 of a JSON text. The AWS CLI builds this key text from the role settings of a
 * profile. The key text contains neither the source of the credentials nor a region, so two
 * profiles can share an entry.
 */
#ifndef RIA_FETCH_CLI_CACHE_H
#define RIA_FETCH_CLI_CACHE_H

#include "aws/plan.h"

enum {
    RIA_CLI_KEY_SIZE = 41 /* 40 hexadecimal digits and a zero byte */
};

/* Appends the key text of a role, as botocore's AssumeRoleCredentialFetcher builds it. If
 * is_web_identity is true, builds the key text like AssumeRoleWithWebIdentityCredentialFetcher,
 * which uses fewer settings. Returns false if the role has a setting that the AWS CLI does not
 * support (source identity, session tags), or if memory runs out. */
bool ria_cli_cache_role_text(const struct ria_role *role, bool is_web_identity, struct ria_buf *out)
    RIA_MUST_USE;

/* Appends the key text of the role of an SSO source, as botocore's SSOCredentialFetcher builds it.
 * If the text is too long or memory runs out, sets out->failed. */
void ria_cli_cache_sso_text(const struct ria_plan *plan, struct ria_buf *out);

/* Computes the key of a key text. Returns false with err filled if the digest cannot be computed.
 * Returns false with err unchanged if text->failed is set. */
bool ria_cli_cache_key(
    const struct ria_buf *text, char key[RIA_CLI_KEY_SIZE], struct ria_error *err) RIA_MUST_USE;

#endif
