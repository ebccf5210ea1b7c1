/* SPDX-License-Identifier: MIT
 *
 * The AWS CLI's cache of role credentials, ~/.aws/cli/cache/KEY.json: the keys of its
 * entries. What is read of them is ria_fetch_cli_cache() of fetch/fetch.h.
 *
 * A key is the SHA-1 of a JSON text that the CLI makes of what a profile says of its role. It holds
 * neither the source of the credentials nor a region, so two profiles can share an entry.
 */
#ifndef RIA_FETCH_CLI_CACHE_H
#define RIA_FETCH_CLI_CACHE_H

#include "aws/plan.h"

enum {
    RIA_CLI_KEY_SIZE = 41
};

/* Appends the text of a role: botocore's AssumeRoleCredentialFetcher, or of its web identity's,
 * which takes less of the profile. False for a role that the CLI cannot ask for. */
bool ria_cli_cache_role_text(const struct ria_role *role, bool is_web_identity, struct ria_buf *out)
    RIA_MUST_USE;

/* Appends the text of an SSO source's role: botocore's SSOCredentialFetcher. */
void ria_cli_cache_sso_text(const struct ria_plan *plan, struct ria_buf *out);

/* The key of such a text. */
bool ria_cli_cache_key(
    const struct ria_buf *text, char key[RIA_CLI_KEY_SIZE], struct ria_error *err) RIA_MUST_USE;

#endif
