/* SPDX-License-Identifier: MIT
 *
 * A directory, and a digest as the name in it. */
#include "fetch/token_file_path.h"

#include "base/text.h"
#include "codec/digest.h"
#include "codec/percent.h"

#include <string.h>

static bool add_name(
    const struct ria_plan *plan, char hex[2 * RIA_SHA256_LEN + 1], struct ria_error *err)
{
    const char *named_after = ria_plan_origin(plan)->value;
    uint8_t digest[RIA_SHA256_LEN];
    bool is_login = plan->source == RIA_SOURCE_LOGIN;
    if (!(is_login ? ria_sha256(named_after, strlen(named_after), digest, err)
                   : ria_sha1(named_after, strlen(named_after), digest, err))) {
        return false;
    }
    ria_hex_write(digest, is_login ? RIA_SHA256_LEN : RIA_SHA1_LEN, hex);
    return true;
}

bool ria_token_file_path(
    const struct ria_world *world,
    const struct ria_plan *plan,
    char path[RIA_PATH_MAX],
    struct ria_error *err)
{
    const char *directory = plan->source == RIA_SOURCE_LOGIN
                                ? plan->value[RIA_PLAN_LOGIN_DIRECTORY].value
                                : "~/.aws/sso/cache";
    char name[RIA_PATH_MAX];
    char hex[2 * RIA_SHA256_LEN + 1];
    if (!add_name(plan, hex, err)) {
        return false;
    }
    return (ria_text_format(name, sizeof(name), "%s/%s.json", directory, hex) &&
            ria_setting_expand(world, name, path)) ||
           ria_fail_at(
               err,
               RIA_E_CREDENTIALS,
               ria_plan_origin(plan),
               "the token is looked for in %.200s, but HOME is not set or the name is too long; "
               "mend it",
               directory);
}
