/* SPDX-License-Identifier: MIT
 *
 * The parts that the source "profile" is put together from: static keys (profile_keys.c), SSO
 * (profile_sso.c), aws login (profile_login.c), what else a profile can hold (profile_source.c),
 * and roles on top of another profile (profile_role.c).
 */
#ifndef RIA_PROVIDER_PROFILE_H
#define RIA_PROVIDER_PROFILE_H

#include "provider/provider.h"

/* One of the profiles that were read. */
struct ria_profile {
    const struct ria_profiles *profiles;
    const char *name;
};

bool ria_profile_get(const struct ria_profile *profile, const char *key, struct ria_setting *out);
bool ria_profile_has(const struct ria_profile *profile, const char *key);

/* Static keys. FOUND: plan->keys, source and label are filled; ABSENT: no key at all; FAILED: half
 * a pair, or a half in each file. */
enum ria_outcome ria_profile_keys(
    const struct ria_ask *ask,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* What the profile holds of its own, role_arn with its sources left out: web identity, SSO, login
 * session, static keys, process, in this order. Three answers as of ria_provide. */
enum ria_outcome ria_profile_source(
    const struct ria_ask *ask,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* sso_session or sso_start_url. Answers as ria_provide. */
enum ria_outcome ria_profile_sso(
    const struct ria_ask *ask,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* login_session. Answers as ria_provide. */
enum ria_outcome ria_profile_login(
    const struct ria_ask *ask,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* The role of a profile with role_arn, and all that it stands on. ABSENT where there is none. */
enum ria_outcome ria_profile_role(
    const struct ria_ask *ask,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err) RIA_MUST_USE;

/* Fills a role from the profile's keys; its values are checked. */
enum ria_outcome ria_profile_read_role(
    const struct ria_profile *profile, struct ria_role *out, struct ria_error *err) RIA_MUST_USE;

#endif
