/* SPDX-License-Identifier: MIT
 *
 * A plan: how credentials are got. It is what environment, AWS's two files and our own come to once
 * they are merged: one source and the roles that are assumed on top of it, innermost first, with
 * every setting that takes part, its defaults filled in, and the place where each was read. It is
 * worked out whole before anything is run or asked on the network: profiles are followed to their
 * end, circles are found, numbers are read and refused. Three things are left to the moment of
 * use: what a token file holds, because it is rotated; whether a URL is one that may be asked,
 * because libcurl takes it apart; and the proxy variables, which libcurl reads.
 *
 * Sources make plans (provider/), and rds-iam-fetch carries them out. How a plan gets there is in
 * provider/request.h, the name that its result is cached under in provider/cache_name.h.
 */
#ifndef RIA_AWS_PLAN_H
#define RIA_AWS_PLAN_H

#include "aws/credentials.h"
#include "aws/profile.h"
#include "aws/service.h"
#include "aws/setting.h"

enum ria_source {
    RIA_SOURCE_KEYS,         /* in the plan itself */
    RIA_SOURCE_WEB_IDENTITY, /* its role is the plan's first one */
    RIA_SOURCE_PROCESS,
    RIA_SOURCE_CONTAINER,
    RIA_SOURCE_INSTANCE,
    RIA_SOURCE_SSO,
    RIA_SOURCE_LOGIN,
    RIA_SOURCES,
};

/* What a source needs; each may be unset. */
enum ria_plan_value {
    RIA_PLAN_PROFILE, /* the active profile, whose settings count for every source */
    RIA_PLAN_KEYS,    /* the id of the keys that the plan holds, for its place */
    RIA_PLAN_WEB_IDENTITY_TOKEN_FILE,
    RIA_PLAN_PROCESS,
    RIA_PLAN_SOURCE_PROFILE, /* the profile that a process or a session is written in */
    RIA_PLAN_CONTAINER_URI,
    RIA_PLAN_CONTAINER_TOKEN,
    RIA_PLAN_CONTAINER_TOKEN_FILE,
    RIA_PLAN_METADATA_ENDPOINT,
    RIA_PLAN_SSO_SESSION, /* unset in the older form, whose token belongs to a start URL */
    RIA_PLAN_SSO_START_URL,
    RIA_PLAN_SSO_REGION,
    RIA_PLAN_SSO_ACCOUNT_ID,
    RIA_PLAN_SSO_ROLE_NAME,
    RIA_PLAN_LOGIN_SESSION, /* the ARN of whoever has logged in */
    RIA_PLAN_LOGIN_REGION,
    RIA_PLAN_LOGIN_DIRECTORY, /* of its token file */
    RIA_PLAN_STS_URL, /* instead of the region's own; the order is that of enum ria_service */
    RIA_PLAN_SSO_URL,
    RIA_PLAN_SSO_OIDC_URL,
    RIA_PLAN_SIGNIN_URL,
    RIA_PLAN_FIPS, /* these three are set only where they are wanted */
    RIA_PLAN_DUAL_STACK,
    RIA_PLAN_STS_LEGACY,
    RIA_PLAN_CA_BUNDLE,
    RIA_PLAN_CLI_CACHE,     /* set where the AWS CLI's cache may be read */
    RIA_PLAN_PROCESS_CACHE, /* set where what a process prints may be cached in a file */
    RIA_PLAN_VALUES,
};

/* What STS is told of a role, and where. */
enum ria_role_value {
    RIA_ROLE_ARN,
    RIA_ROLE_EXTERNAL_ID,
    RIA_ROLE_SESSION_NAME,
    RIA_ROLE_DURATION,
    RIA_ROLE_MFA_SERIAL,
    RIA_ROLE_SOURCE_IDENTITY,
    RIA_ROLE_TAGS, /* "key=value, key=value" */
    RIA_ROLE_TRANSITIVE_TAG_KEYS,
    RIA_ROLE_REGION,
    RIA_ROLE_VALUES,
};

struct ria_role {
    struct ria_setting value[RIA_ROLE_VALUES];
    int64_t duration; /* RIA_ROLE_DURATION in seconds; 0: STS decides */
};

enum {
    RIA_ROLES_MAX = 16, /* a longer chain is taken for a mistake */
    RIA_SERVICE_URL_MAX = 2048,
};

/* What STS takes: 15 minutes to 12 hours, in seconds. */
extern const struct ria_range ria_role_duration;

/* Settings are borrowed: from the environment, from a configuration file that the caller holds,
 * from `profiles`, or from the record that the plan was read from. */
struct ria_plan {
    enum ria_source source;
    char label[160]; /* the source, for people: "profile etl" */
    struct ria_credentials keys;
    struct ria_setting value[RIA_PLAN_VALUES];
    struct ria_role roles[RIA_ROLES_MAX];
    size_t role_count;
    struct ria_profiles *profiles; /* owned, or NULL */
    char mfa_code[8];              /* typed by a person, or "" */
};

#define RIA_PLAN_INIT                                                                              \
    {                                                                                              \
        .keys = RIA_CREDENTIALS_INIT                                                               \
    }

/* The setting that the source was chosen by: the keys' id, the command, the endpoint. */
const struct ria_setting *ria_plan_source_setting(const struct ria_plan *plan);

/* Writes the source, for people, with its place in a file: "profile etl (/home/u/.aws/config:3)".
 */
void ria_plan_describe(const struct ria_plan *plan, char *out, size_t size);

/* The active profile. Without one, its name is NULL. */
struct ria_profile ria_profile_active(const struct ria_plan *plan);

/* Where a service is asked. */
struct ria_plan_endpoint {
    char url[RIA_SERVICE_URL_MAX];
    char region[RIA_REGION_SIZE];   /* to sign for */
    const struct ria_setting *from; /* what says so: a setting of the plan, or the region */
};

/* An endpoint that somebody set, or the region's own in the variants that are wanted. False if the
 * URL does not fit. */
bool ria_plan_service(
    const struct ria_plan *plan,
    enum ria_service service,
    const struct ria_setting *region,
    struct ria_plan_endpoint *out) RIA_MUST_USE;

/* True if rds-iam-fetch has to carry it out. */
bool ria_plan_needs_fetch(const struct ria_plan *plan);

void ria_plan_release(struct ria_plan *plan);

#endif
