/* SPDX-License-Identifier: MIT
 *
 * The cache name of the result of a plan (aws/plan.h). The cache file and the in-process copy have
 * this name. The name is the SHA-256, in hexadecimal, of every setting that decides whose
 * credentials the plan returns. The caller passes the data marked (machine) and (evidence) in the
 * parameters of ria_cache_name() with these names. The other data is in the plan:
 *
 *   keys           the key id and the session token
 *   roles          ARN, external id, session name, duration, MFA device, source identity, tags,
 *                  transitive tags, region
 *   web identity   the token file, and the token in it (evidence)
 *   SSO            session or start URL, region, account and role
 *   login          the session; the directory of its token file
 *   process        the command, the file and the profile that contain it, and the environment
 *                  variables of the command (evidence)
 *   container, instance   the endpoint, the authorization token (evidence, if it is in a file), the
 *                  machine (machine)
 *   all            the endpoints of the services; whether the AWS CLI's cache may be read
 *
 * Other settings, such as the path of a CA bundle, are not part of the name. A name reveals no
 * secret, because each secret is replaced by its own digest before the whole text is hashed.
 */
#ifndef RIA_PROVIDER_CACHE_NAME_H
#define RIA_PROVIDER_CACHE_NAME_H

#include "aws/plan.h"

enum {
    RIA_CACHE_NAME_SIZE = 65 /* SHA-256 in hexadecimal, and the NUL */
};

/* Writes the name. `machine` identifies the machine or container that the source belongs to, or is
 * NULL. `evidence` is data outside the plan that the credentials depend on, such as a web identity
 * token, or NULL. Returns false with err filled if memory runs out or libcrypto cannot be used.
 * Thread-safe. */
bool ria_cache_name(
    const struct ria_plan *plan,
    const char *machine,
    const struct ria_buf *evidence,
    char name[RIA_CACHE_NAME_SIZE],
    struct ria_error *err) RIA_MUST_USE;

#endif
