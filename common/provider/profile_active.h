/* SPDX-License-Identifier: MIT
 *
 * The parts of the source "profile": static keys (profile_keys.c), web identity (web_identity.c),
 * SSO (profile_sso.c), aws login (profile_login.c), credential_process and the order of all these
 * sources (profile_source.c), and roles that are assumed with the keys of another profile or of a
 * credential_source (profile_role.c).
 *
 * The settings that these functions write, also those in a plan, and the name in a struct
 * ria_profile are borrowed from plan->profiles, from the query or from the environment.
 */
#ifndef RIA_PROVIDER_PROFILE_ACTIVE_H
#define RIA_PROVIDER_PROFILE_ACTIVE_H

#include "provider/provider.h"

/* A missing key of a section. The error message is "WHAT; REMEDY". */
struct ria_lack {
    enum ria_profile_kind kind;
    const char *name;   /* the name of the section */
    const char *what;   /* what is missing */
    const char *remedy; /* what to do */
};

/* Fills err and returns false. The message is "path:line: WHAT; REMEDY" with the file and line of
 * `because`, the setting that needs the missing key. If a line of the section was ignored, the
 * message names that line instead: "path:line: WHAT, and this line was ignored: REASON". */
bool ria_profile_lacks(
    const struct ria_profiles *profiles,
    const struct ria_lack *lack,
    const struct ria_setting *because,
    struct ria_error *err);

/* Checks the lines that the parser ignored in the sections of the profile, in one of the two files.
 * Returns false with err filled if an ignored line sets the key: the AWS CLI may read that line, so
 * with the next source rds-iam could log in as another identity than the AWS CLI. */
bool ria_profile_check_ignored(
    const struct ria_profile *profile,
    enum ria_profile_file file,
    const char *key,
    struct ria_error *err) RIA_MUST_USE;

/* Returns the name of the active profile. The name comes from a command-line option or rds-iam's
 * configuration, else from AWS_PROFILE, else from AWS_DEFAULT_PROFILE. If none of them is set, the
 * name is "default" and the setting's path is NULL. The profile need not exist. */
struct ria_setting ria_profile_choice(const struct ria_query *query);

/* Loads both profile files into plan->profiles, which the plan owns, and finds the active profile
 * by ria_profile_choice(). FOUND: *out is the profile, and RIA_PLAN_PROFILE is set. ABSENT: no
 * profile is named, and "default" does not exist. FAILED: a named profile does not exist, or a file
 * cannot be read. */
enum ria_outcome ria_profile_open(
    const struct ria_query *query,
    struct ria_plan *plan,
    struct ria_profile *out,
    struct ria_error *err) RIA_MUST_USE;

/* Finds the section [profile NAME] in ~/.aws/credentials. Such a section is ignored, because the
 * section of a profile in that file is [NAME]. Returns NULL if the file does not contain it. */
const struct ria_ini_section *ria_profile_find_prefixed(
    const struct ria_profiles *profiles, const char *name);

/* Reads the static keys of the profile from one file. FOUND: plan->keys, source and label are
 * filled. ABSENT: the file contains no key of the profile. FAILED: the file contains only half of
 * the pair; or temporary keys without a session token, if the token is in the other file or empty,
 * or if a line of the profile was ignored; or the keys are too long, or memory runs out. */
enum ria_outcome ria_profile_keys(
    const struct ria_profile *profile,
    enum ria_profile_file file,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* Returns true if either file contains any part of a key pair for the profile. */
bool ria_profile_has_keys(const struct ria_profile *profile);

/* Finds the source in the profile itself, without following role_arn. Tries web identity, SSO, keys
 * in the credentials file, login_session, credential_process, and keys in the config file, in this
 * order, which is botocore's. Returns the outcomes of ria_provide. */
enum ria_outcome ria_profile_source(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* Reads the SSO settings, if the profile has sso_account_id or sso_role_name. Returns the outcomes
 * of ria_provide. */
enum ria_outcome ria_profile_sso(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* Reads login_session, which `aws login` writes. Returns the outcomes of ria_provide. */
enum ria_outcome ria_profile_login(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* Reads the path of a web identity token file, and the role that is assumed with the token. If
 * `is_merged` is true, reads the path, the role's ARN and the session name each from the
 * environment if the variable is set, otherwise from the profile, as botocore does. If `is_merged`
 * is false, reads only the profile. profile->name may be NULL: no profile is active, so only the
 * environment is read. Returns the outcomes of ria_provide. */
enum ria_outcome ria_profile_web_identity(
    const struct ria_query *query,
    const struct ria_profile *profile,
    bool is_merged,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* Returns true if the profile has a role that is assumed with another source: role_arn without
 * web_identity_token_file. */
bool ria_profile_has_role(const struct ria_profile *profile);

/* Reads the role of the profile, the roles of the profiles that source_profile leads to, and the
 * source at the end of that path. The profile must have a role (ria_profile_has_role()). */
enum ria_outcome ria_profile_role(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* Fills a role with role_arn, external_id, duration_seconds and the other settings of a role in the
 * profile. Returns false with err filled if duration_seconds is
 * invalid. ria_network_add_role() checks the other values. */
bool ria_profile_read_role(
    const struct ria_profile *profile, struct ria_role *out, struct ria_error *err) RIA_MUST_USE;

#endif
