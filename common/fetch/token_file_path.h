/* SPDX-License-Identifier: MIT
 *
 * Which file of the AWS CLI's holds the token of a plan's session. Names only; rds-iam-fetch reads
 * and renews the file (fetch/token_file.h).
 *
 *   ~/.aws/sso/cache/SHA-1 of the session's name, or of the start URL.json
 *   ~/.aws/login/cache/SHA-256 of the ARN in login_session.json; the directory can be another one
 */
#ifndef RIA_AWS_TOKEN_FILE_H
#define RIA_AWS_TOKEN_FILE_H

#include "aws/plan.h"

/* False with err filled: HOME is not set, or the path is too long. */
bool ria_token_file_path(
    const struct ria_world *world,
    const struct ria_plan *plan,
    char path[RIA_PATH_MAX],
    struct ria_error *err) RIA_MUST_USE;

#endif
