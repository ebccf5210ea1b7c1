/* SPDX-License-Identifier: MIT
 *
 * The name of a result: of its file in the cache, and of the copy that a process has. It
 * is the SHA-256, in hexadecimal, of all that decides whose credentials come out of a plan:
 *
 *   keys           their id and their session token
 *   roles          ARN, external id, session name, duration, source identity, tags, region
 *   web identity   the token file, and the token in it (evidence)
 *   SSO, login     session or start URL, region, account and role; the directory of the token file
 *   process        the command, its file, the profile that it is written in, and the variables that
 *                  it is run with (evidence)
 *   container, instance   the endpoint, the authorization token, the machine (host)
 *   all            the endpoints of the services; whether the AWS CLI's cache may be read
 *
 * Where a CA bundle lies, say, does not matter. No secret can be read from a name: those that take
 * part are replaced by a digest of their own before.
 */
#ifndef RIA_PROVIDER_CACHE_NAME_H
#define RIA_PROVIDER_CACHE_NAME_H

#include "aws/plan.h"

enum {
    RIA_CACHE_NAME_SIZE = 65 /* SHA-256 in hexadecimal, and the NUL */
};

/* Fills name. `host` is what must be equal for a source that belongs to one machine or container,
 * or NULL; `evidence` is what was read on the way (a web identity's token), or NULL. False with err
 * filled without memory, or if libcrypto cannot be used. From any thread. */
bool ria_cache_name(
    const struct ria_plan *plan,
    const char *host,
    const struct ria_buf *evidence,
    char name[RIA_CACHE_NAME_SIZE],
    struct ria_error *err) RIA_MUST_USE;

#endif
