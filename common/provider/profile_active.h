/* SPDX-License-Identifier: MIT
 *
 * The parts that the source "profile" is put together from: static keys (profile_keys.c), web
 * identity (web_identity.c), SSO (profile_sso.c), aws login (profile_login.c), what else a profile
 * can hold (profile_source.c), and roles on top of another profile (profile_role.c).
 */
#ifndef RIA_PROVIDER_PROFILE_ACTIVE_H
#define RIA_PROVIDER_PROFILE_ACTIVE_H

#include "provider/provider.h"

/* What a section lacks: "WHAT; REMEDY", where WHAT is a sentence. */
struct ria_lack {
    enum ria_profile_kind kind;
    const char *name; /* of the section */
    const char *what;
    const char *remedy;
};

/* Fails with "path:line: WHAT; REMEDY" and the place of `because`; or, where a line of the section
 * was ignored, with its place, WHAT and the reason. */
bool ria_profile_lacks(
    const struct ria_profiles *profiles,
    const struct ria_lack *lack,
    const struct ria_setting *because,
    struct ria_error *err);

/* Whether no line of the profile that was ignored sets the key, in one file. False with err filled:
 * the AWS CLI may read such a line, and the next source would stand for another identity. */
bool ria_profile_check_ignored(
    const struct ria_profile *profile,
    enum ria_profile_file file,
    const char *key,
    struct ria_error *err) RIA_MUST_USE;

/* The profile that counts, whether it exists or not, and what says so: an option or rds-iam's
 * configuration, else AWS_PROFILE, else AWS_DEFAULT_PROFILE, else "default". */
struct ria_setting ria_profile_choice(const struct ria_query *query);

/* Reads the profiles into the plan and finds the active one: the one that an option or rds-iam's
 * configuration names, else AWS_PROFILE, else AWS_DEFAULT_PROFILE, else "default". RIA_PLAN_PROFILE
 * is then set. ABSENT: none is named, and there is no "default". */
enum ria_outcome ria_profile_open(
    const struct ria_query *query,
    struct ria_plan *plan,
    struct ria_profile *out,
    struct ria_error *err) RIA_MUST_USE;

/* Static keys of one file. FOUND: plan->keys, source and label are filled; ABSENT: no key at all;
 * FAILED: half a pair, or a half in each file. */
enum ria_outcome ria_profile_keys(
    const struct ria_profile *profile,
    enum ria_profile_file file,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* Whether it holds any part of a key pair, in either file. */
bool ria_profile_has_keys(const struct ria_profile *profile);

/* What the profile holds of its own, role_arn with its sources left out: web identity, SSO, keys of
 * the credentials file, login session, process, keys of the config file, in this order, which is
 * botocore's. Three answers as of ria_provide. */
enum ria_outcome ria_profile_source(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* sso_account_id or sso_role_name. Answers as ria_provide. */
enum ria_outcome ria_profile_sso(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* login_session. Answers as ria_provide. */
enum ria_outcome ria_profile_login(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* A token file and the role that it stands for. With `is_merged` the file, the role and the session
 * name are each taken from the environment first and then from the profile, as botocore does it;
 * without it from the profile alone. profile->name may be NULL. Answers as ria_provide. */
enum ria_outcome ria_profile_web_identity(
    const struct ria_query *query,
    const struct ria_profile *profile,
    bool is_merged,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* Whether it has a role that stands on another source: role_arn without a web identity. */
bool ria_profile_has_role(const struct ria_profile *profile);

/* That role, and all that it stands on. ABSENT where there is none. */
enum ria_outcome ria_profile_role(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* Fills a role from the profile's keys; its values are checked. */
bool ria_profile_read_role(
    const struct ria_profile *profile, struct ria_role *out, struct ria_error *err) RIA_MUST_USE;

#endif
