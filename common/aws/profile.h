/* SPDX-License-Identifier: MIT
 *
 * The profiles of ~/.aws/config and ~/.aws/credentials, merged by the rules of the AWS SDKs:
 *
 *   config       [default], [profile NAME], [sso-session NAME], [services NAME]
 *   credentials  [NAME]
 *
 * In the config file a name is one shell word (ria_text_unquote()): a name with blanks is in single
 * or double quotes, as `aws configure set --profile "Foo Bar"` writes it: [profile 'Foo Bar']. In
 * the credentials file the whole name of the section is the profile's name: [Foo Bar].
 *
 * A key in the credentials file overrides the same key in the config file. Of several equal keys in
 * a file the last one is used. [profile default] replaces [default]. All other sections are
 * ignored. The keys are interpreted by the providers (provider/).
 *
 * The files are those that AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name, by default the two
 * in ~/.aws.
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
    size_t before; /* 1 plus the index of the previous section in the same slot, or 0 */
};

struct ria_profiles {
    struct ria_ini ini[RIA_PROFILE_FILES];
    char path[RIA_PROFILE_FILES][RIA_PATH_MAX]; /* "" if HOME is needed and not set */
    bool present[RIA_PROFILE_FILES];
    bool is_unreachable[RIA_PROFILE_FILES]; /* the default path, and no file is reachable there:
                                               ria_world_read_usual() */
    struct ria_file facts[RIA_PROFILE_FILES];
    bool is_foreign[RIA_PROFILE_FILES];   /* the file belongs to neither root nor the user */
    uid_t user;                           /* the effective user */
    struct ria_profile_section *sections; /* in file order, the config file first */
    size_t count;
    size_t *slots; /* hash table over kind and name: 1 plus the index of the last section, or 0 */
    size_t slot_count;
};

/* Reads both files. Returns FOUND if at least one exists, else ABSENT; FAILED if one cannot be read
 * or parsed, or if other users can write it (base/trust.h). Logs a warning for each ignored line,
 * and for a file that belongs to another user. *out must be zeroed. It is a large struct: do not
 * put it on a small stack. */
enum ria_outcome ria_profiles_load(
    const struct ria_world *world, struct ria_profiles *out, struct ria_error *err) RIA_MUST_USE;

/* Returns the first of the two paths that is unreachable, or NULL. */
const char *ria_profiles_unreachable(const struct ria_profiles *profiles);

/* Returns whether a section of this kind and name exists. *where (may be NULL) is then set to the
 * place of the first one, with the value "". */
bool ria_profiles_has(
    const struct ria_profiles *profiles,
    enum ria_profile_kind kind,
    const char *name,
    struct ria_setting *where);

/* Writes the warning about a file that belongs to another user. Returns false if the file does not.
 */
bool ria_profiles_describe_owner(
    const struct ria_profiles *profiles, enum ria_profile_file which, char *out, size_t size);

/* Called when a setting is used that names a command, a file, a server or a trusted certificate.
 * Returns false with err filled if the setting was read from a file of another user: that user
 * could make this user run a command, send any of this user's files to a server, or accept a server
 * in the place of AWS. Returns true for a setting from any other place, for a setting without a
 * value, and if profiles is NULL. `key` is the name of the setting. */
bool ria_profiles_check_owner(
    const struct ria_profiles *profiles,
    const struct ria_setting *setting,
    const char *key,
    struct ria_error *err) RIA_MUST_USE;

/* Return the value of a key (lower case) in one file, and in the two merged files. Return false if
 * the key is not set. */
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

/* Return the value of a key in [sso-session NAME], and of a sub-property `key` of `service` in
 * [services NAME]. Return false if it is not set. */
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

/* A line of a section that the parser ignored. */
struct ria_profile_fault {
    struct ria_setting place;
    const char *what; /* what is wrong; what to do */
};

/* Returns the first ignored line in the sections of this kind and name. Returns false if there is
 * none. */
bool ria_profiles_fault(
    const struct ria_profiles *profiles,
    enum ria_profile_kind kind,
    const char *name,
    struct ria_profile_fault *out);

/* Returns the first ignored line, in a profile's sections of one file, that sets `key` (lower case)
 * for a parser of another dialect: "key: value", "key value". Returns false if there is none. */
bool ria_profiles_ignored(
    const struct ria_profiles *profiles,
    enum ria_profile_file file,
    const char *name,
    const char *key,
    struct ria_profile_fault *out);

/* One of the loaded profiles. Both members are borrowed. */
struct ria_profile {
    const struct ria_profiles *profiles;
    const char *name;
};

/* Returns whether a setting has a value. A blank value is treated as unset, in every settings file.
 */
bool ria_profile_is_set(const struct ria_setting *setting);

/* Return the value of a key (lower case): in the credentials file, or if it is unset there, in the
 * config file; and in one of the two files. Return false if the key is unset or empty; *out is then
 * unchanged. */
bool ria_profile_get(const struct ria_profile *profile, const char *key, struct ria_setting *out);
bool ria_profile_get_from(
    const struct ria_profile *profile,
    enum ria_profile_file file,
    const char *key,
    struct ria_setting *out);
bool ria_profile_has(const struct ria_profile *profile, const char *key);

/* Builds the hash table of sections. Only for ria_profiles_load(). Returns false if memory runs
 * out. */
bool ria_profiles_index(struct ria_profiles *profiles) RIA_MUST_USE;

/* Wipes, frees and zeroes the profiles. */
void ria_profiles_release(struct ria_profiles *profiles);

#endif
