/* SPDX-License-Identifier: MIT
 *
 * The profiles of ~/.aws/config and ~/.aws/credentials, merged as the AWS SDKs merge them:
 *
 *   config       [default], [profile NAME], [sso-session NAME], [services NAME]
 *   credentials  [NAME]
 *
 * In the config file a name is one word of a shell (ria_text_unquote()): one with blanks stands in
 * single or double quotes, as `aws configure set --profile "Foo Bar"` writes it, [profile 'Foo
 * Bar']. In the credentials file the whole name of the section is the profile's, [Foo Bar].
 *
 * The credentials file wins key by key; the last of several equal keys wins; [profile default]
 * beats [default]. Any other section is ignored. What the keys mean is the providers' business.
 * Files: AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, else the two in ~/.aws.
 */
#ifndef RIA_AWS_PROFILE_H
#define RIA_AWS_PROFILE_H

#include "aws/setting.h"

enum ria_profile_kind {
    RIA_PROFILE,
    RIA_PROFILE_SSO_SESSION,
    RIA_PROFILE_SERVICES,
};

enum ria_profile_file {
    RIA_PROFILE_CONFIG,
    RIA_PROFILE_CREDENTIALS,
    RIA_PROFILE_FILES,
};

struct ria_profile_section {
    enum ria_profile_kind kind;
    enum ria_profile_file file;
    const char *name;
    const struct ria_ini_section *section;
    size_t before; /* 1 plus the index of the section before it with the same slot, or 0 */
};

struct ria_profiles {
    struct ria_ini ini[RIA_PROFILE_FILES];
    char path[RIA_PROFILE_FILES][RIA_PATH_MAX]; /* "" where HOME is needed and not set */
    bool present[RIA_PROFILE_FILES];
    bool is_unreachable[RIA_PROFILE_FILES]; /* the usual place, and no file can be there:
                                               ria_world_read_usual() */
    struct ria_file facts[RIA_PROFILE_FILES];
    bool is_foreign[RIA_PROFILE_FILES];   /* it belongs to neither root nor the user */
    uid_t user;                           /* the effective user */
    struct ria_profile_section *sections; /* config's before credentials', in file order */
    size_t count;
    size_t *slots; /* by a hash of kind and name: 1 plus the index of the last section, or 0 */
    size_t slot_count;
};

/* Reads both files. FOUND if at least one exists, else ABSENT; FAILED if one cannot be read or
 * parsed, or if others can write it (base/trust.h). What was ignored in them is logged as warnings,
 * and so is a file of another user. *out must be zeroed; it is large: keep
 * it off small stacks. */
enum ria_outcome ria_profiles_load(
    const struct ria_world *world, struct ria_profiles *out, struct ria_error *err) RIA_MUST_USE;

/* The first of the two paths that is unreachable, or NULL. */
const char *ria_profiles_unreachable(const struct ria_profiles *profiles);

/* Whether any section of that kind and name exists; *where (may be NULL) is then set to the place
 * of the first, with a value of "". */
bool ria_profiles_has(
    const struct ria_profiles *profiles,
    enum ria_profile_kind kind,
    const char *name,
    struct ria_setting *where);

/* Writes the warning about a file of another user. False if the file is not one. */
bool ria_profiles_describe_owner(
    const struct ria_profiles *profiles, enum ria_profile_file which, char *out, size_t size);

/* For a setting that decides what is run, read, asked or believed, at the moment when it is used:
 * refuses one that was read from a file of another user. That user could have a command run, have
 * any file of this user sent to a server, or answer in the place of AWS. True for a setting of any
 * other place, for one without value, and where profiles is NULL. `key` is its name. */
bool ria_profiles_check_owner(
    const struct ria_profiles *profiles,
    const struct ria_setting *setting,
    const char *key,
    struct ria_error *err) RIA_MUST_USE;

/* The value of a key (lower case) in one file, or in both as they are merged. False if not set. */
bool ria_profiles_get_from(
    const struct ria_profiles *profiles,
    enum ria_profile_file file,
    const char *name,
    const char *key,
    struct ria_setting *out);
bool ria_profiles_get(
    const struct ria_profiles *profiles,
    const char *name,
    const char *key,
    struct ria_setting *out);

/* The value of a key in [sso-session NAME]; of a sub-property of a key in [services NAME]. */
bool ria_profiles_get_session(
    const struct ria_profiles *profiles,
    const char *name,
    const char *key,
    struct ria_setting *out);
bool ria_profiles_get_service(
    const struct ria_profiles *profiles,
    const char *name,
    const char *service,
    const char *key,
    struct ria_setting *out);

/* A line of a section that was ignored. */
struct ria_profile_fault {
    struct ria_setting place;
    const char *what; /* what is wrong; what to do */
};

/* The first such line in the sections of that kind and name. False: there is none. */
bool ria_profiles_fault(
    const struct ria_profiles *profiles,
    enum ria_profile_kind kind,
    const char *name,
    struct ria_profile_fault *out);

/* The first such line in a profile's sections of one file that sets `key` (lower case) for a reader
 * of another dialect: "key: value", "key value". False: there is none. */
bool ria_profiles_ignored(
    const struct ria_profiles *profiles,
    enum ria_profile_file file,
    const char *name,
    const char *key,
    struct ria_profile_fault *out);

/* One of the profiles that were read. */
struct ria_profile {
    const struct ria_profiles *profiles;
    const char *name;
};

/* Whether a value of a settings file counts: an empty value is an unset one, everywhere. */
bool ria_profile_is_set(const struct ria_setting *setting);

/* The value of a key (lower case) in the credentials file, else in the config file; or in one of
 * them. False where it is unset or empty; *out is then unchanged. */
bool ria_profile_get(const struct ria_profile *profile, const char *key, struct ria_setting *out);
bool ria_profile_get_from(
    const struct ria_profile *profile,
    enum ria_profile_file file,
    const char *key,
    struct ria_setting *out);
bool ria_profile_has(const struct ria_profile *profile, const char *key);

/* For ria_profiles_load() alone: makes the table by which sections are found. False without memory.
 */
bool ria_profiles_index(struct ria_profiles *profiles) RIA_MUST_USE;

/* Wipes and frees; leaves {0}. */
void ria_profiles_release(struct ria_profiles *profiles);

#endif
