/* SPDX-License-Identifier: MIT
 *
 * A plan describes how to get credentials. It is the merged result of the environment, AWS's two
 * files (~/.aws/config and ~/.aws/credentials) and rds-iam's own file: one source of credentials,
 * and the roles, in the order in which they are assumed. It contains every setting that is used,
 * with defaults filled in, and the file and line where each setting was read.
 *
 * A plan is complete before a command is run or a request is sent. The code that makes the plan has
 * followed source_profile from profile to profile up to the last profile, rejected cycles, and
 * checked numbers. Three things are read or checked only when they are used: the contents of a
 * token file, because token files are rotated; a URL, because libcurl parses it; and the proxy
 * variables, because libcurl reads them.
 *
 * The providers make plans (provider/), and rds-iam-fetch carries them out. provider/request.h
 * writes the request with which a plan is sent to rds-iam-fetch; provider/cache_name.h derives the
 * name under which the plan's result is cached.
 */
#ifndef RIA_AWS_PLAN_H
#define RIA_AWS_PLAN_H

#include "aws/credentials.h"
#include "aws/profile.h"
#include "aws/service.h"
#include "aws/setting.h"

/* The numbers of this enum and of the next two enums are stored in records (codec/record.h). Before
 * you change a number, see VERSION in codec/record.c. */
enum ria_source {
    RIA_SOURCE_KEYS,         /* the keys are in the plan */
    RIA_SOURCE_WEB_IDENTITY, /* the role that the web identity assumes is roles[0] of the plan */
    RIA_SOURCE_PROCESS,
    RIA_SOURCE_CONTAINER,
    RIA_SOURCE_INSTANCE,
    RIA_SOURCE_SSO,
    RIA_SOURCE_LOGIN,
    RIA_SOURCES,
};

/* The settings of a plan; each may be unset. */
enum ria_plan_value {
    RIA_PLAN_PROFILE, /* the active profile, whose settings apply to every source */
    RIA_PLAN_KEYS,    /* the id of the keys in the plan, and the place where it was read */
    RIA_PLAN_WEB_IDENTITY_TOKEN_FILE,
    RIA_PLAN_PROCESS,
    RIA_PLAN_SOURCE_PROFILE, /* the profile that contains credential_process, the SSO settings or
                                login_session */
    RIA_PLAN_CONTAINER_URI,
    RIA_PLAN_CONTAINER_TOKEN,
    RIA_PLAN_CONTAINER_TOKEN_FILE,
    RIA_PLAN_METADATA_ENDPOINT,
    RIA_PLAN_SSO_SESSION, /* unset if the profile has the legacy form, without sso_session; the
                             token file is then named after the start URL */
    RIA_PLAN_SSO_START_URL,
    RIA_PLAN_SSO_REGION,
    RIA_PLAN_SSO_ACCOUNT_ID,
    RIA_PLAN_SSO_ROLE_NAME,
    RIA_PLAN_LOGIN_SESSION, /* the ARN of the user who logged in */
    RIA_PLAN_LOGIN_REGION,
    RIA_PLAN_LOGIN_DIRECTORY, /* the directory of the token file of `aws login` */
    RIA_PLAN_STS_URL,         /* this and the next five URLs replace the services' endpoints, in the
                                 order of enum ria_service */
    RIA_PLAN_SSO_URL,
    RIA_PLAN_SSO_OIDC_URL,
    RIA_PLAN_SIGNIN_URL,
    RIA_PLAN_RDS_URL,
    RIA_PLAN_IAM_URL,
    RIA_PLAN_FIPS, /* this and the next two values are set only if they are enabled */
    RIA_PLAN_DUAL_STACK,
    RIA_PLAN_STS_LEGACY,
    RIA_PLAN_CA_BUNDLE,
    RIA_PLAN_CLI_CACHE,     /* set if the AWS CLI's cache may be read */
    RIA_PLAN_PROCESS_CACHE, /* set if the output of a credential_process may be cached in a file */
    RIA_PLAN_IDENTITY_REGION,   /* the region in which STS is called; set only in a request for the
                                   identity of the plan's keys (provider/identity_record.h) */
    RIA_PLAN_QUESTION,          /* the name of an action. This value and the next three are set only
                                   in a request that asks AWS a question with the plan's keys
                                   (aws/inquiry.h) */
    RIA_PLAN_QUESTION_REGION,   /* the region in which the service is called */
    RIA_PLAN_QUESTION_NAME,     /* the name of the object that the question is about */
    RIA_PLAN_QUESTION_RESOURCE, /* unset for most questions */
    RIA_PLAN_VALUES,
};

/* The parameters of an AssumeRole request, and its region. */
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
    RIA_ROLES_MAX = 16, /* a longer chain is rejected as a mistake */
    RIA_SERVICE_URL_MAX = 2048,
};

/* The durations that STS accepts: 15 minutes to 12 hours, in seconds. */
extern const struct ria_range ria_role_duration;

/* A plan. Its settings are borrowed from the environment, from a configuration file that the caller
 * keeps loaded, from `profiles`, or from the record that contained the plan. */
struct ria_plan {
    enum ria_source source;
    char label[160]; /* name of the source, for display: "profile etl" */
    struct ria_credentials keys;
    struct ria_setting value[RIA_PLAN_VALUES];
    struct ria_role roles[RIA_ROLES_MAX]; /* only the first role_count are set */
    size_t role_count;
    struct ria_profiles *profiles; /* owned, or NULL */
    char mfa_code[8];              /* entered by the user, or "" */
};

#define RIA_PLAN_INIT                                                                              \
    {                                                                                              \
        .keys = RIA_CREDENTIALS_INIT                                                               \
    }

/* Initializes a plan whose keys use `room`. Does not write the array of roles, because the array
 * has several KB, every login has a plan, and few plans have a role. */
void ria_plan_init(struct ria_plan *plan, struct ria_credentials_room *room);

/* Returns the setting that identifies the source in messages, such as the id of the keys, the
 * command or the endpoint. */
const struct ria_setting *ria_plan_source_setting(const struct ria_plan *plan);

/* Writes the name of the source for display. If the setting that identifies the source was read
 * from a file, also writes the file and line: "profile etl (/home/u/.aws/config:3)". */
void ria_plan_describe(const struct ria_plan *plan, char *out, size_t size);

/* Returns the active profile. The name in the result is NULL if no profile is active. */
struct ria_profile ria_profile_active(const struct ria_plan *plan);

/* The endpoint of a service, and the setting that decided which endpoint it is. */
struct ria_plan_endpoint {
    char url[RIA_SERVICE_URL_MAX];
    char region[RIA_REGION_SIZE];   /* the region to sign for */
    const struct ria_setting *from; /* the setting that decided the URL: one of the plan's settings,
                                       or the argument `region` of ria_plan_service() */
};

/* Fills *out with the endpoint of a service. If the user configured a URL for the service, the
 * endpoint is this URL. Otherwise, the endpoint is the region's endpoint in the enabled variants
 * (FIPS, dual-stack, legacy STS). Returns false if the configured URL does not fit into out->url.
 */
bool ria_plan_service(
    const struct ria_plan *plan,
    enum ria_service service,
    const struct ria_setting *region,
    struct ria_plan_endpoint *out) RIA_MUST_USE;

/* Returns whether rds-iam-fetch must carry out the plan. Returns false for a plan with static keys
 * and without a role, and true for every other plan. */
bool ria_plan_needs_fetch(const struct ria_plan *plan);

/* Wipes and frees what the plan owns. Afterwards *plan is empty and can be filled again. */
void ria_plan_release(struct ria_plan *plan);

#endif
