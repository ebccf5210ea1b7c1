/* SPDX-License-Identifier: MIT
 *
 * The profiles of ~/.aws/config and ~/.aws/credentials, merged by the rules of the AWS SDKs:
 *
 *   config       [default], [profile NAME], [sso-session NAME], [services NAME]
 *   credentials  [NAME]
 *
 * In the config file a name is one shell word (ria_text_unquote()). A name with spaces is in single
 * or double quotes; `aws configure set --profile "Foo Bar"` writes [profile 'Foo Bar']. In the
 * credentials file the whole name of the section is the profile's name, as in [Foo Bar]; a section
 * whose name begins with "profile " is ignored there.
 *
 * A key in the credentials file overrides the same key in the config file. If a file contains the
 * same key several times, its last value is used. In the config file, [profile default] replaces
 * [default]. Sections whose names have none of these forms are ignored. The providers (provider/)
 * interpret the keys.
 *
 * The environment variables AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name the files. The
 * defaults are ~/.aws/config and ~/.aws/credentials.
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
    size_t before; /* 1 plus the index of the previous section in the same hash slot, or 0 */
};

struct ria_profiles {
    struct ria_ini ini[RIA_PROFILE_FILES];
    char path[RIA_PROFILE_FILES][RIA_PATH_MAX]; /* "" if the path is in the home directory and
                                                   home_fault is set */
    const char *home_fault; /* why a path in the home directory is not known; NULL: all are known */
    bool present[RIA_PROFILE_FILES];
    bool is_unreachable[RIA_PROFILE_FILES]; /* the default path leads to no file (RIA_E_UNREACHABLE,
                                               see ria_world_read_default()) */
    struct ria_file facts[RIA_PROFILE_FILES];
    bool is_foreign[RIA_PROFILE_FILES];   /* the file belongs to neither root nor the user */
    uid_t user;                           /* the effective user */
    struct ria_profile_section *sections; /* in file order, the config file first */
    size_t count;
    size_t *slots; /* hash table over kind and name; each slot is 1 plus the index of the last
                      section in this slot, or 0 if the slot has no section */
    size_t slot_count;
};

/* Reads the config file and the credentials file. Returns FOUND if at least one file exists, and
 * ABSENT with the reason in err if neither file exists. Returns FAILED with err filled if a file
 * cannot be read or parsed, if other users can write a file (base/trust.h), or if memory runs out.
 * Logs a warning for each ignored line, for each name that some AWS tools do not accept, and for a
 * file that belongs to another user.
 * *out must be zeroed. Do not put this large struct on a small stack. */
enum ria_outcome ria_profiles_load(
    const struct ria_world *world, struct ria_profiles *out, struct ria_error *err) RIA_MUST_USE;

/* Returns the first of the two paths that is unreachable, or NULL. */
const char *ria_profiles_unreachable(const struct ria_profiles *profiles);

/* Returns whether a section of this kind and name exists. If one exists and `where` is not NULL,
 * sets *where to the file and line of the first of these sections, with the value "". */
bool ria_profiles_has(
    const struct ria_profiles *profiles,
    enum ria_profile_kind kind,
    const char *name,
    struct ria_setting *where);

/* Writes the warning about a file that belongs to another user. Returns false, with out unchanged,
 * if the file belongs to root or this user, or was not read. */
bool ria_profiles_describe_owner(
    const struct ria_profiles *profiles, enum ria_profile_file which, char *out, size_t size);

/* Call this function before the use of a setting that names a command, a file, a server or a
 * trusted certificate. Returns false with err filled if the setting was read from a file of another
 * user. The reason: with such a setting, the other user could make this user run a command, send
 * any of this user's files to a server, or accept another server as AWS. Returns true for a setting
 * from anywhere else, for a setting without a value, and if profiles is NULL. `key` is the name of
 * the setting. */
bool ria_profiles_check_owner(
    const struct ria_profiles *profiles,
    const struct ria_setting *setting,
    const char *key,
    struct ria_error *err) RIA_MUST_USE;

/* Finds the value of a key (in lower case) of a profile in one file. The value may be "". Returns
 * false, with *out unchanged, if the key is not set in this file. */
bool ria_profiles_get_from(
    const struct ria_profiles *profiles,
    enum ria_profile_file file,
    const char *name,
    const char *key,
    struct ria_setting *out);

/* Like ria_profiles_get_from(), but searches the credentials file first, and then the config file
 * if the key is not set there. Returns false, with *out unchanged, if the key is set in neither
 * file. */
bool ria_profiles_get(
    const struct ria_profiles *profiles,
    const char *name,
    const char *key,
    struct ria_setting *out);

/* Finds the value of a key in [sso-session NAME]. Returns false, with *out unchanged, if the key is
 * not set. */
bool ria_profiles_get_session(
    const struct ria_profiles *profiles,
    const char *name,
    const char *key,
    struct ria_setting *out);

/* Finds the value of the sub-property `key` of `service` in [services NAME]. Returns false, with
 * *out unchanged, if the sub-property is not set. */
bool ria_profiles_get_service(
    const struct ria_profiles *profiles,
    const char *name,
    const char *service,
    const char *key,
    struct ria_setting *out);

/* A line that the parser ignored. */
struct ria_profile_fault {
    struct ria_setting place; /* the file and the number of the line; the value is "" */
    const char *what;         /* what is wrong; what to do */
};

/* Finds an ignored line in the sections of this kind and name. Of the sections that have an ignored
 * line, takes the last section, and from it the first ignored line. Returns false, with *out
 * unchanged, if no section has an ignored line. */
bool ria_profiles_fault(
    const struct ria_profiles *profiles,
    enum ria_profile_kind kind,
    const char *name,
    struct ria_profile_fault *out);

/* Finds an ignored line that other parsers could accept as a setting of `key` (in lower case), such
 * as "key: value" or "key value". Searches the profile's sections in one file from the last to the
 * first, and each section from its start. Returns false, with *out unchanged, if there is no such
 * line. */
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

/* Returns false if the value of a setting is blank, because a blank value in an AWS file counts as
 * unset. setting->value must not be NULL. */
bool ria_profile_is_set(const struct ria_setting *setting);

/* Finds the value of a key (in lower case). Searches the credentials file first, and then the
 * config file if the key is unset or blank there. Returns false, with *out unchanged, if the key is
 * unset or blank in both files. */
bool ria_profile_get(const struct ria_profile *profile, const char *key, struct ria_setting *out);

/* Finds the value of a key (in lower case) in one of the two files. Returns false, with *out
 * unchanged, if the key is unset or blank in this file. */
bool ria_profile_get_from(
    const struct ria_profile *profile,
    enum ria_profile_file file,
    const char *key,
    struct ria_setting *out);

/* Returns whether ria_profile_get() finds a value of the key. */
bool ria_profile_has(const struct ria_profile *profile, const char *key);

/* Builds the hash table of sections. Only for ria_profiles_load(). Returns false if memory runs
 * out. */
bool ria_profiles_index(struct ria_profiles *profiles) RIA_MUST_USE;

/* Wipes and frees the contents of the files and the lists of sections, and leaves these empty. The
 * members path, home_fault, is_unreachable, facts, is_foreign and user stay unchanged. */
void ria_profiles_release(struct ria_profiles *profiles);

#endif
