/* SPDX-License-Identifier: MIT
 *
 * What a credential source is. A provider is one stateless function with three answers: it looks at
 * environment and files and makes a plan (aws/plan.h), and does nothing on the network. Order,
 * stopping, caching, carrying out and the trail of reasons exist once, in chain.c and obtain.c, and
 * no provider calls another.
 *
 * To add one: write a function of this type in a file named after the source, declare it at the
 * end of this header, and give it its line in the table of chain.c. If it asks the network, add the
 * file that carries it out to fetch/ and its line to the table there.
 */
#ifndef RIA_PROVIDER_PROVIDER_H
#define RIA_PROVIDER_PROVIDER_H

#include "aws/plan.h"
#include "base/world.h"

/* What a provider is asked. */
struct ria_query {
    const struct ria_world *world;
    struct ria_deadline deadline;
    /* The profile that a person chose by an option or in rds-iam's configuration; value is NULL if
     * none. It beats the environment. */
    struct ria_setting profile;
    /* A role of rds-iam's configuration, assumed on top of what the chain finds; or NULL. */
    const struct ria_role *role;
    /* Of the database: where STS is asked if nothing says otherwise. value may be NULL. */
    struct ria_setting region;
    /* aws_cli_cache of rds-iam's configuration, where it is "read"; value may be NULL. */
    struct ria_setting cli_cache;
    /* cache_credential_process, where it is "yes"; value may be NULL. */
    struct ria_setting process_cache;
    const char *mfa_code; /* typed by a person, or NULL: nobody can be asked */
    /* Appends what `whose` login's person types to get the same credentials; or NULL. Only one
     * sentence needs it, so it is not written at every login. */
    void (*add_command)(const void *whose, struct ria_buf *out);
    const void *whose;
};

/* FOUND   *out is filled, its label named;
 * ABSENT  this source is not configured: err says what was looked for, in a few words, because
 *         they become one item of a list; "" where another entry of the table reports it;
 * FAILED  it is configured and broken, or it cannot be used here: err is a whole sentence.
 * *out is RIA_PLAN_INIT when called, except for the profiles and RIA_PLAN_PROFILE that an earlier
 * source has left in it. The caller releases *out in any case. */
typedef enum ria_outcome ria_provide(
    const struct ria_query *query, struct ria_plan *out, struct ria_error *err);

ria_provide ria_provider_environment;
ria_provide ria_provider_profile_role;
ria_provide ria_provider_web_identity;
ria_provide ria_provider_profile;
ria_provide ria_provider_container;
ria_provide ria_provider_instance_metadata;

/* What a credential_source of a profile names, each also used by the source above. They fill
 * source, label and their values (keys of the environment, endpoints); three answers as of
 * ria_provide. The metadata service is ABSENT where it is switched off; its endpoint may be a key
 * of the active profile. */
enum ria_outcome ria_environment_keys(
    const struct ria_world *world, struct ria_plan *out, struct ria_error *err) RIA_MUST_USE;
enum ria_outcome ria_container_endpoint(
    const struct ria_world *world, struct ria_plan *out, struct ria_error *err) RIA_MUST_USE;
enum ria_outcome ria_instance_endpoint(
    const struct ria_query *query, struct ria_plan *out, struct ria_error *err) RIA_MUST_USE;

#endif
