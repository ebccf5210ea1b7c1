/* SPDX-License-Identifier: MIT
 *
 * The interface of a credential source. A provider is one stateless function with three outcomes. A
 * provider reads the environment and files, makes a plan (aws/plan.h), and sends no network
 * request. No provider calls another provider. chain.c defines the order of the sources, stops at
 * the first source that is configured, and stores the outcome of each source in a trail. obtain.c
 * carries the plan out and reads the caches.
 *
 * README.md in this folder lists what a new source needs.
 */
#ifndef RIA_PROVIDER_PROVIDER_H
#define RIA_PROVIDER_PROVIDER_H

#include "aws/plan.h"
#include "base/world.h"

/* The input of every provider. The caller owns everything that the query points to. */
struct ria_query {
    const struct ria_world *world;
    uid_t user; /* the effective user; only ria_chain_find() uses it */
    struct ria_deadline deadline;
    /* The profile that a command-line option or rds-iam's configuration names. This profile
     * overrides the environment. value is NULL if neither names a profile. */
    struct ria_setting profile;
    /* A role in rds-iam's configuration, which is assumed with the credentials that the chain
     * finds; or NULL. */
    const struct ria_role *role;
    /* The database's region. STS is called there if no other setting names a region. value may be
     * NULL. */
    struct ria_setting region;
    /* aws_cli_cache in rds-iam's configuration, if it is "read"; else value is NULL. */
    struct ria_setting cli_cache;
    /* cache_credential_process in rds-iam's configuration, if it is "yes"; else value is NULL. */
    struct ria_setting process_cache;
    const char *mfa_code; /* the MFA code that the user entered; NULL: none was entered */
    /* Appends the rds-iam command that gets the same credentials on a terminal. The first argument
     * of the function is `whose` below. add_command may be NULL. The query contains a function and
     * not the command, because only two error messages need the command. */
    void (*add_command)(const void *whose, struct ria_buf *out);
    const void *whose;
};

/* FOUND   *out is filled, including its label;
 * ABSENT  the source is not configured: err names the missing setting in a few words, which become
 *         one item of a list; err is "" if another entry of the table in chain.c reports the same
 *         source;
 * FAILED  the source is configured but broken, or cannot be used here: err is a whole message.
 * On entry *out is RIA_PLAN_INIT, except for the profiles and RIA_PLAN_PROFILE, which an earlier
 * source may have set. The caller releases *out whatever the outcome. */
typedef enum ria_outcome ria_provide(
    const struct ria_query *query, struct ria_plan *out, struct ria_error *err);

ria_provide ria_provider_environment;
ria_provide ria_provider_profile_role;
ria_provide ria_provider_web_identity;
ria_provide ria_provider_profile;
ria_provide ria_provider_container;
ria_provide ria_provider_instance_metadata;

/* Returns whether the keys in the environment alone decide which credentials are used: at least one
 * of the two key variables is set, neither a command-line option nor rds-iam's configuration names
 * a profile, and the configuration names no role. */
bool ria_environment_decides(const struct ria_query *query);

/* The functions for the sources that credential_source in a profile can name. The providers above
 * also call these functions. Each function fills the plan's source, label and values (the keys in
 * the environment, or an endpoint) and returns one of the three outcomes of ria_provide.
 * ria_instance_endpoint() returns ABSENT if the metadata service is disabled. The endpoint of that
 * service may be set in the active profile. */
enum ria_outcome ria_environment_keys(
    const struct ria_world *world, struct ria_plan *out, struct ria_error *err) RIA_MUST_USE;
enum ria_outcome ria_container_endpoint(
    const struct ria_world *world, struct ria_plan *out, struct ria_error *err) RIA_MUST_USE;
enum ria_outcome ria_instance_endpoint(
    const struct ria_query *query, struct ria_plan *out, struct ria_error *err) RIA_MUST_USE;

#endif
