/* SPDX-License-Identifier: MIT
 *
 * A directory, and a digest as the name in it. */
#include "aws/token_file.h"

#include "codec/digest.h"
#include "codec/percent.h"

#include <stdio.h>
#include <string.h>

bool ria_token_file_path(
    const struct ria_world *world,
    const struct ria_plan *plan,
    char path[RIA_PATH_MAX],
    struct ria_error *err)
{
    const struct ria_setting *named_after = ria_plan_origin(plan);
    uint8_t digest[RIA_SHA1_LEN];
    char name[RIA_PATH_MAX];
    RIA_AUTO(buf) hex = {.max = 2 * sizeof(digest)};
    if (!ria_sha1(named_after->value, strlen(named_after->value), digest, err)) {
        return false;
    }
    ria_hex_add(&hex, digest, sizeof(digest));
    const char *text = ria_buf_text(&hex);
    (void)snprintf(name, sizeof(name), "~/.aws/sso/cache/%s.json", text == NULL ? "" : text);
    return (text != NULL && ria_setting_expand(world, name, path)) ||
           ria_fail_at(
               err,
               RIA_E_CREDENTIALS,
               named_after,
               "the token is looked for in ~/.aws, but HOME is not set or is too long; set it");
}
