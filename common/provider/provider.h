/* SPDX-License-Identifier: MIT
 *
 * What a credential source is. A provider is one stateless function with three answers; order,
 * stopping and the trail of reasons exist once, in chain.c, and no provider calls another.
 *
 * To add one: write a function of this type in a file named after the source, declare it at the
 * end of this header, and give it its line in the table of chain.c.
 */
#ifndef RIA_PROVIDER_PROVIDER_H
#define RIA_PROVIDER_PROVIDER_H

#include "aws/credentials.h"
#include "aws/setting.h"
#include "base/world.h"

/* What a provider is asked. */
struct ria_ask {
    const struct ria_world *world;
    struct ria_deadline deadline;
    /* The profile that a person chose by an option or in rds-iam's configuration; value is NULL if
     * none. It beats the environment. */
    struct ria_setting profile;
};

/* FOUND   *out (empty when called) is filled, its source named;
 * ABSENT  this source is not configured: err says what was looked for, in a few words, because
 *         they become one item of a list;
 * FAILED  it is configured and broken, or it cannot be used here: err is a whole sentence. */
typedef enum ria_outcome ria_provide(
    const struct ria_ask *ask, struct ria_credentials *out, struct ria_error *err);

ria_provide ria_provider_environment;
ria_provide ria_provider_profile;
ria_provide ria_provider_web_identity;
ria_provide ria_provider_container;
ria_provide ria_provider_instance_metadata;

#endif
