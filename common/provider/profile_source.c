/* SPDX-License-Identifier: MIT
 *
 * Finds the source that a profile contains. Tries the sources of a table, which is in botocore's
 * order. Rejects a credential_process in a file that belongs neither to root nor to the user, a
 * credential_source without a role, and a profile in which the parser ignored a line that sets a
 * key of a source, unless an earlier source of the table was found. */
#include "provider/network.h"
#include "provider/profile_active.h"

#include "base/text.h"

typedef enum ria_outcome read_source(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err);

/* Reads web identity settings from the profile only. The web identity of the environment has its
 * own entry in the chain, and does not apply to a source_profile. */
static enum ria_outcome read_own_web_identity(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err)
{
    return ria_profile_web_identity(query, profile, false, plan, err);
}

static enum ria_outcome read_credentials_keys(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err)
{
    (void)query;
    return ria_profile_keys(profile, RIA_PROFILE_CREDENTIALS, plan, err);
}

static enum ria_outcome read_config_keys(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err)
{
    (void)query;
    return ria_profile_keys(profile, RIA_PROFILE_CONFIG, plan, err);
}

/* Rejects credential_source without role_arn, because credential_source names the source of a role.
 */
static enum ria_outcome refuse_lone_credential_source(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err)
{
    (void)query;
    (void)plan;
    struct ria_setting where;
    if (!ria_profile_get(profile, "credential_source", &where)) {
        return RIA_ABSENT;
    }
    char what[128];
    (void)ria_text_format(
        what,
        sizeof(what),
        "the profile \"%.64s\" has credential_source without role_arn",
        profile->name);
    const struct ria_lack lack = {RIA_PROFILE, profile->name, what, "add role_arn or remove it"};
    (void)ria_profile_lacks(profile->profiles, &lack, &where, err);
    return RIA_FAILED;
}

/* Reads credential_process. Rejects the key if it is in a file that belongs neither to root nor to
 * the user, because the file's owner could use the key to run commands. */
static enum ria_outcome read_process(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err)
{
    (void)query;
    struct ria_setting command;
    if (!ria_profile_get(profile, "credential_process", &command)) {
        return RIA_ABSENT;
    }
    if (!ria_profiles_check_owner(profile->profiles, &command, "credential_process", err)) {
        return RIA_FAILED;
    }
    plan->source = RIA_SOURCE_PROCESS;
    plan->value[RIA_PLAN_PROCESS] = command;
    plan->value[RIA_PLAN_SOURCE_PROFILE] = (struct ria_setting){profile->name, command.path, 0};
    (void)ria_text_format(
        plan->label, sizeof(plan->label), "the credential_process of profile %.64s", profile->name);
    return RIA_FOUND;
}

enum {
    FILES_BOTH = RIA_PROFILE_FILES,
};

/* A source, and the keys that select it. */
struct source {
    read_source *read;
    int file; /* the file that contains the keys, or FILES_BOTH */
    const char *keys[2];
};

/* botocore's order. The last entry is not a source: it rejects a key that botocore ignores. */
static const struct source sources[] = {
    {read_own_web_identity, FILES_BOTH, {"web_identity_token_file"}},
    {ria_profile_sso, FILES_BOTH, {"sso_account_id", "sso_role_name"}},
    {read_credentials_keys,
     RIA_PROFILE_CREDENTIALS,
     {"aws_access_key_id", "aws_secret_access_key"}},
    {ria_profile_login, FILES_BOTH, {"login_session"}},
    {read_process, FILES_BOTH, {"credential_process"}},
    {read_config_keys, RIA_PROFILE_CONFIG, {"aws_access_key_id", "aws_secret_access_key"}},
    {refuse_lone_credential_source, FILES_BOTH, {NULL}},
};

static bool check_ignored_in(
    const struct ria_profile *profile,
    const struct source *source,
    enum ria_profile_file file,
    struct ria_error *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof(source->keys) / sizeof(source->keys[0]); i++) {
        ok = source->keys[i] == NULL ||
             ria_profile_check_ignored(profile, file, source->keys[i], err);
    }
    return ok;
}

/* Called for a source that is ABSENT. Fails if an ignored line sets one of the source's keys. The
 * AWS CLI may read that line, because it also accepts "key: value". */
static bool check_ignored(
    const struct ria_profile *profile, const struct source *source, struct ria_error *err)
{
    bool ok = true;
    for (int file = 0; ok && file < RIA_PROFILE_FILES; file++) {
        bool is_read = source->file == FILES_BOTH || source->file == file;
        ok = !is_read || check_ignored_in(profile, source, (enum ria_profile_file)file, err);
    }
    return ok;
}

/* Reports a key that users write in place of the right key. Returns false if the profile has no
 * such key.
 */
static bool report_misspelled(const struct ria_profile *profile, struct ria_error *err)
{
    static const char *const misspelled[][2] = {
        {"aws_access_key", "aws_access_key_id"},
        {"aws_secret_key", "aws_secret_access_key"},
        {"aws_access_id", "aws_access_key_id"},
        {"access_key_id", "aws_access_key_id"},
        {"secret_access_key", "aws_secret_access_key"},
    };
    struct ria_setting where;
    for (size_t i = 0; i < sizeof(misspelled) / sizeof(misspelled[0]); i++) {
        if (ria_profile_get(profile, misspelled[i][0], &where)) {
            (void)ria_absent(
                err,
                "[%.64s] contains no credentials: %.160s:%u: write %s in place of %s",
                profile->name,
                where.path,
                where.line,
                misspelled[i][1],
                misspelled[i][0]);
            return true;
        }
    }
    return false;
}

/* Reports that the credentials file has [profile NAME], although the profile is [NAME] there.
 * Returns false if it does not. */
static bool report_prefixed(const struct ria_profile *profile, struct ria_error *err)
{
    const struct ria_ini_section *prefixed =
        ria_profile_find_prefixed(profile->profiles, profile->name);
    if (prefixed != NULL) {
        (void)ria_absent(
            err,
            "[%.64s] contains no credentials: %.160s:%u: write [%.64s] in place of [profile %.64s]",
            profile->name,
            profile->profiles->path[RIA_PROFILE_CREDENTIALS],
            prefixed->line,
            profile->name,
            profile->name);
    }
    return prefixed != NULL;
}

/* Reports a profile without any source of credentials. */
static enum ria_outcome report_nothing(const struct ria_profile *profile, struct ria_error *err)
{
    struct ria_profile_fault fault;
    struct ria_setting empty;
    if (ria_profiles_fault(profile->profiles, RIA_PROFILE, profile->name, &fault)) {
        return ria_absent(
            err,
            "[%.64s] contains no credentials: %.160s:%u was ignored: %s",
            profile->name,
            fault.place.path,
            fault.place.line,
            fault.what);
    }
    if (ria_profiles_get(profile->profiles, profile->name, "aws_access_key_id", &empty)) {
        return ria_absent(
            err,
            "[%.64s] contains no credentials: %.160s:%u: aws_access_key_id is empty",
            profile->name,
            empty.path,
            empty.line);
    }
    return report_misspelled(profile, err) || report_prefixed(profile, err)
               ? RIA_ABSENT
               : ria_absent(err, "[%.64s] contains no credentials", profile->name);
}

enum ria_outcome ria_profile_source(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err)
{
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        enum ria_outcome outcome = sources[i].read(query, profile, plan, err);
        if (outcome != RIA_ABSENT) {
            return outcome;
        }
        if (!check_ignored(profile, &sources[i], err)) {
            return RIA_FAILED;
        }
    }
    return report_nothing(profile, err);
}

enum ria_outcome ria_provider_profile(
    const struct ria_query *query, struct ria_plan *out, struct ria_error *err)
{
    struct ria_profile profile = ria_profile_active(out);
    if (profile.name == NULL) {
        return ria_absent(err, "%s", "");
    }
    return ria_network_settings(query, out, err) ? ria_profile_source(query, &profile, out, err)
                                                 : RIA_FAILED;
}
