/* SPDX-License-Identifier: MIT
 *
 * Finds the values of profiles. A key in the credentials file has precedence over the same key in
 * the config file. If one file contains a key several times, its last value is used. The functions
 * whose names begin with ria_profile_ ignore a blank value. The functions whose names begin with
 * ria_profiles_ return a blank value.
 */
#include "aws/profile.h"

#include "base/ascii.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Returns the slot of a section in the hash table. */
static size_t slot_of(
    const struct ria_profiles *profiles, enum ria_profile_kind kind, const char *name)
{
    uint64_t hash = ria_hash(RIA_HASH_START ^ (uint64_t)kind, name, strlen(name));
    return (size_t)(hash ^ (hash >> 32)) & (profiles->slot_count - 1);
}

/* The sections are in a hash table, because a login searches them dozens of times, and a file can
 * contain thousands of profiles. */
bool ria_profiles_index(struct ria_profiles *profiles)
{
    profiles->slot_count = 1;
    while (profiles->slot_count < profiles->count) {
        profiles->slot_count *= 2;
    }
    profiles->slots = calloc(profiles->slot_count, sizeof(profiles->slots[0]));
    for (size_t i = 0; profiles->slots != NULL && i < profiles->count; i++) {
        struct ria_profile_section *section = &profiles->sections[i];
        size_t *slot = &profiles->slots[slot_of(profiles, section->kind, section->name)];
        section->before = *slot;
        *slot = i + 1;
    }
    return profiles->slots != NULL;
}

/* Hashes the kind and the name, and returns the last section in the slot that belongs to this hash,
 * or NULL. Sections with other names may be in the same slot. */
static const struct ria_profile_section *last_of_slot(
    const struct ria_profiles *profiles, enum ria_profile_kind kind, const char *name)
{
    size_t at = profiles->slots == NULL ? 0 : profiles->slots[slot_of(profiles, kind, name)];
    return at == 0 ? NULL : &profiles->sections[at - 1];
}

/* Returns the previous section in the same slot, or NULL. */
static const struct ria_profile_section *section_before(
    const struct ria_profiles *profiles, const struct ria_profile_section *section)
{
    return section->before == 0 ? NULL : &profiles->sections[section->before - 1];
}

static bool is_named(
    const struct ria_profile_section *section, enum ria_profile_kind kind, const char *name)
{
    return section->kind == kind && strcmp(section->name, name) == 0;
}

bool ria_profiles_has(
    const struct ria_profiles *profiles,
    enum ria_profile_kind kind,
    const char *name,
    struct ria_setting *where)
{
    const struct ria_profile_section *first = NULL;
    for (const struct ria_profile_section *at = last_of_slot(profiles, kind, name); at != NULL;
         at = section_before(profiles, at)) {
        first = is_named(at, kind, name) ? at : first;
    }
    if (first != NULL && where != NULL) {
        *where = (struct ria_setting){"", profiles->path[first->file], first->section->line};
    }
    return first != NULL;
}

/* A key to find in the sections with one name. `parent` is NULL unless the key is a sub-property.
 */
struct profile_key {
    enum ria_profile_kind kind;
    enum ria_profile_file file;
    const char *parent;
    const char *key;
};

/* Searches the sections with this name in one file, from the last to the first. */
static bool profile_value_find(
    const struct ria_profiles *profiles,
    const char *name,
    const struct profile_key *key_to_find,
    struct ria_setting *out)
{
    const struct ria_ini *ini = &profiles->ini[key_to_find->file];
    for (const struct ria_profile_section *section =
             last_of_slot(profiles, key_to_find->kind, name);
         section != NULL;
         section = section_before(profiles, section)) {
        if (section->file != key_to_find->file || !is_named(section, key_to_find->kind, name)) {
            continue;
        }
        const struct ria_ini_entry *entry =
            key_to_find->parent == NULL
                ? ria_ini_find(ini, section->section, key_to_find->key)
                : ria_ini_find_sub(ini, section->section, key_to_find->parent, key_to_find->key);
        if (entry != NULL) {
            *out =
                (struct ria_setting){entry->value, profiles->path[key_to_find->file], entry->line};
            return true;
        }
    }
    return false;
}

bool ria_profiles_get_from(
    const struct ria_profiles *profiles,
    enum ria_profile_file file,
    const char *name,
    const char *key,
    struct ria_setting *out)
{
    return profile_value_find(
        profiles, name, &(struct profile_key){RIA_PROFILE, file, NULL, key}, out);
}

bool ria_profiles_get_session(
    const struct ria_profiles *profiles, const char *name, const char *key, struct ria_setting *out)
{
    const struct profile_key key_to_find = {RIA_PROFILE_SSO_SESSION, RIA_PROFILE_CONFIG, NULL, key};
    return profile_value_find(profiles, name, &key_to_find, out);
}

bool ria_profiles_get_service(
    const struct ria_profiles *profiles,
    const char *name,
    const char *service,
    const char *key,
    struct ria_setting *out)
{
    const struct profile_key key_to_find = {RIA_PROFILE_SERVICES, RIA_PROFILE_CONFIG, service, key};
    return profile_value_find(profiles, name, &key_to_find, out);
}

bool ria_profiles_get(
    const struct ria_profiles *profiles, const char *name, const char *key, struct ria_setting *out)
{
    return ria_profiles_get_from(profiles, RIA_PROFILE_CREDENTIALS, name, key, out) ||
           ria_profiles_get_from(profiles, RIA_PROFILE_CONFIG, name, key, out);
}

/* Returns whether an ignored line begins with the key. */
static bool sets_key(const struct ria_ini_warning *warning, const char *key)
{
    const char *at = warning->text;
    while (*key != '\0' && ria_ascii_lower(*at) == *key) {
        at++;
        key++;
    }
    return *key == '\0' && (*at == ':' || *at == ' ' || *at == '\t' || *at == '\0');
}

/* Returns the first warning of a section, or NULL. If `key` is not NULL, skips warnings about lines
 * that do not begin with the key. */
static const struct ria_ini_warning *warning_in(
    const struct ria_ini *ini, const struct ria_ini_section *section, const char *key)
{
    bool is_last = section + 1 == ini->sections + ini->section_count;
    unsigned end = is_last ? UINT_MAX : section[1].line;
    for (size_t i = 0; i < ini->warning_count; i++) {
        if (ini->warnings[i].line > section->line && ini->warnings[i].line < end &&
            (key == NULL || sets_key(&ini->warnings[i], key))) {
            return &ini->warnings[i];
        }
    }
    return NULL;
}

bool ria_profiles_fault(
    const struct ria_profiles *profiles,
    enum ria_profile_kind kind,
    const char *name,
    struct ria_profile_fault *out)
{
    for (const struct ria_profile_section *at = last_of_slot(profiles, kind, name); at != NULL;
         at = section_before(profiles, at)) {
        const struct ria_ini_warning *warning =
            is_named(at, kind, name) ? warning_in(&profiles->ini[at->file], at->section, NULL)
                                     : NULL;
        if (warning != NULL) {
            *out = (struct ria_profile_fault){
                {"", profiles->path[at->file], warning->line}, warning->what};
            return true;
        }
    }
    return false;
}

bool ria_profiles_ignored(
    const struct ria_profiles *profiles,
    enum ria_profile_file file,
    const char *name,
    const char *key,
    struct ria_profile_fault *out)
{
    for (const struct ria_profile_section *at = last_of_slot(profiles, RIA_PROFILE, name);
         at != NULL;
         at = section_before(profiles, at)) {
        const struct ria_ini_warning *warning =
            at->file == file && is_named(at, RIA_PROFILE, name)
                ? warning_in(&profiles->ini[file], at->section, key)
                : NULL;
        if (warning != NULL) {
            *out = (struct ria_profile_fault){
                {"", profiles->path[file], warning->line}, warning->what};
            return true;
        }
    }
    return false;
}

/* -- one profile ----------------------------------------------------------------------------- */

bool ria_profile_is_set(const struct ria_setting *setting)
{
    return setting->value[strspn(setting->value, " \t\r\n")] != '\0';
}

bool ria_profile_get_from(
    const struct ria_profile *profile,
    enum ria_profile_file file,
    const char *key,
    struct ria_setting *out)
{
    struct ria_setting found;
    if (!ria_profiles_get_from(profile->profiles, file, profile->name, key, &found) ||
        !ria_profile_is_set(&found)) {
        return false;
    }
    *out = found;
    return true;
}

bool ria_profile_get(const struct ria_profile *profile, const char *key, struct ria_setting *out)
{
    return ria_profile_get_from(profile, RIA_PROFILE_CREDENTIALS, key, out) ||
           ria_profile_get_from(profile, RIA_PROFILE_CONFIG, key, out);
}

bool ria_profile_has(const struct ria_profile *profile, const char *key)
{
    struct ria_setting ignored;
    return ria_profile_get(profile, key, &ignored);
}
