/* SPDX-License-Identifier: MIT
 *
 * Sections become profiles; profiles are merged when they are asked. */
#include "aws/profile.h"

#include "base/ascii.h"
#include "base/messages.h"
#include "base/text.h"
#include "base/trust.h"
#include "codec/url.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct location {
    const char *variable;
    const char *fallback;
    const char *copy; /* how a user names a copy */
};

static const struct location locations[RIA_PROFILE_FILES] = {
    [RIA_PROFILE_CONFIG] = {"AWS_CONFIG_FILE", "~/.aws/config", "AWS_CONFIG_FILE=COPY"},
    [RIA_PROFILE_CREDENTIALS] =
        {"AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", "AWS_SHARED_CREDENTIALS_FILE=COPY"},
};

struct prefix {
    const char *word;
    enum ria_profile_kind kind;
};

static const struct prefix prefixes[] = {
    {"profile", RIA_PROFILE},
    {"sso-session", RIA_PROFILE_SSO_SESSION},
    {"services", RIA_PROFILE_SERVICES},
};

static const char *after_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    if (strncmp(text, word, len) != 0 || (text[len] != ' ' && text[len] != '\t')) {
        return NULL;
    }
    return text + len + strspn(text + len, " \t");
}

/* Takes the quotes off a name, in the document's own text: a name with blanks counts only in
 * quotes. NULL for one that does not count. */
static const char *unquoted(struct ria_ini *ini, const char *name)
{
    char *own = ini->text.data + (name - ini->text.data);
    return ria_text_unquote(own) ? own : NULL;
}

/* Says what a section of the config file is. False: nothing of ours. */
static bool classify_config(
    struct ria_ini *ini, const struct ria_ini_section *section, struct ria_profile_section *out)
{
    if (strcmp(section->name, "default") == 0) {
        out->kind = RIA_PROFILE;
        out->name = section->name;
        return true;
    }
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        const char *name = after_word(section->name, prefixes[i].word);
        if (name != NULL) {
            out->kind = prefixes[i].kind;
            out->name = unquoted(ini, name);
            return out->name != NULL;
        }
    }
    return false;
}

/* The whole of a section's name is a profile's, blanks and quotes too. */
static bool classify_credentials(
    const struct ria_ini_section *section, struct ria_profile_section *out)
{
    out->kind = RIA_PROFILE;
    out->name = section->name;
    return *out->name != '\0' && after_word(section->name, "profile") == NULL;
}

/* Not by strspn(), which makes a table of the set for each name. */
static bool is_usual(char c)
{
    return ria_ascii_is_alnum(c) || (c != '\0' && strchr("_-/.%@:+ ", c) != NULL);
}

static void warn_about_name(
    const struct ria_world *world, const char *path, const struct ria_profile_section *section)
{
    const char *at = section->name;
    while (is_usual(*at)) {
        at++;
    }
    if (world->log != NULL && *at != '\0') {
        char shown[128];
        (void)ria_url_show_in(section->name, shown, sizeof(shown));
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "%s:%u: the name \"%s\" holds a character that some AWS tools do not accept",
            path,
            section->section->line,
            shown);
    }
}

static void add_sections(
    const struct ria_world *world, struct ria_profiles *profiles, enum ria_profile_file file)
{
    struct ria_ini *ini = &profiles->ini[file];
    for (size_t i = 0; i < ini->section_count; i++) {
        struct ria_profile_section section = {.file = file, .section = &ini->sections[i]};
        bool ours = file == RIA_PROFILE_CONFIG ? classify_config(ini, section.section, &section)
                                               : classify_credentials(section.section, &section);
        if (ours) {
            warn_about_name(world, profiles->path[file], &section);
            profiles->sections[profiles->count++] = section;
        }
    }
}

/* -- another user's file -------------------------------------------------------------------- */

static struct ria_trusted trusted(const struct ria_profiles *profiles, enum ria_profile_file which)
{
    return (struct ria_trusted){profiles->path[which], locations[which].copy};
}

bool ria_profiles_describe_owner(
    const struct ria_profiles *profiles, enum ria_profile_file which, char *out, size_t size)
{
    if (!profiles->is_foreign[which]) {
        return false;
    }
    ria_trust_warning(
        &profiles->facts[which],
        profiles->path[which],
        "keys, roles and sessions of it are used, but no command, token file, endpoint or CA "
        "bundle",
        out,
        size);
    return true;
}

bool ria_profiles_check_owner(
    const struct ria_profiles *profiles,
    const struct ria_setting *setting,
    const char *key,
    struct ria_error *err)
{
    for (int i = 0; profiles != NULL && i < RIA_PROFILE_FILES; i++) {
        if (setting->value != NULL && setting->path == profiles->path[i] &&
            profiles->is_foreign[i]) {
            const struct ria_trusted what = trusted(profiles, (enum ria_profile_file)i);
            char remedy[RIA_ERROR_TEXT_MAX];
            ria_trust_own_remedy(profiles->user, &what, remedy, sizeof(remedy));
            return ria_fail_at(
                err,
                RIA_E_CREDENTIALS,
                setting,
                "%s is not taken from a file of uid %u, who is neither root nor you; %s",
                key,
                (unsigned)profiles->facts[i].owner,
                remedy);
        }
    }
    return true;
}

/* Refuses a file that others can write, and warns of one that belongs to another user. */
static bool check_file(
    const struct ria_world *world,
    struct ria_profiles *profiles,
    enum ria_profile_file which,
    struct ria_error *err)
{
    const struct ria_file *facts = &profiles->facts[which];
    const struct ria_trusted what = trusted(profiles, which);
    char warning[RIA_ERROR_TEXT_MAX];
    if (!ria_trust_check_writers(world, facts, &what, err)) {
        return false;
    }
    profiles->user = world->uid(world->self);
    profiles->is_foreign[which] = ria_trust_is_foreign(facts, profiles->user);
    if (ria_profiles_describe_owner(profiles, which, warning, sizeof(warning))) {
        ria_world_log(world, RIA_LOG_WARNING, "%s", warning);
    }
    return true;
}

/* -- reading -------------------------------------------------------------------------------- */

/* Reads one of the two files; outcome as of ria_setting_read(). */
static enum ria_outcome load_file(
    const struct ria_world *world,
    struct ria_profiles *profiles,
    enum ria_profile_file which,
    struct ria_error *err)
{
    const char *named = ria_world_env(world, locations[which].variable);
    char *path = profiles->path[which];
    if (!ria_setting_expand(world, named != NULL ? named : locations[which].fallback, path)) {
        return ria_absent(err, "%s: HOME is not set", locations[which].fallback);
    }
    struct ria_ini *ini = &profiles->ini[which];
    const struct ria_settings_path where = {path, named != NULL};
    enum ria_outcome outcome = ria_setting_read(world, &where, ini, &profiles->facts[which], err);
    profiles->is_unreachable[which] = outcome == RIA_ABSENT && err->code == RIA_E_UNREACHABLE;
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    profiles->present[which] = true;
    if (!check_file(world, profiles, which, err)) {
        return RIA_FAILED;
    }
    for (size_t i = 0; i < ini->warning_count; i++) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "%s:%u: ignored: %s",
            path,
            ini->warnings[i].line,
            ini->warnings[i].what);
    }
    return RIA_FOUND;
}

const char *ria_profiles_unreachable(const struct ria_profiles *profiles)
{
    for (int i = 0; i < RIA_PROFILE_FILES; i++) {
        if (profiles->is_unreachable[i]) {
            return profiles->path[i];
        }
    }
    return NULL;
}

static enum ria_outcome none_is_there(const struct ria_profiles *profiles, struct ria_error *err)
{
    const char *config = profiles->path[RIA_PROFILE_CONFIG];
    const char *credentials = profiles->path[RIA_PROFILE_CREDENTIALS];
    const char *unreachable = ria_profiles_unreachable(profiles);
    if (unreachable != NULL) {
        return ria_absent(
            err, "%.200s is a directory, or below one that this user may not search", unreachable);
    }
    if (*config == '\0' || *credentials == '\0') {
        return ria_absent(err, "HOME is not set, so ~/.aws is not known");
    }
    return ria_absent(err, "neither %s nor %s exists", config, credentials);
}

static enum ria_outcome out_of_memory(struct ria_profiles *profiles, struct ria_error *err)
{
    ria_profiles_release(profiles);
    return ria_failed(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "the AWS profiles");
}

static size_t slot_of(
    const struct ria_profiles *profiles, enum ria_profile_kind kind, const char *name)
{
    uint64_t hash = ria_hash(RIA_HASH_START ^ (uint64_t)kind, name, strlen(name));
    return (size_t)(hash ^ (hash >> 32)) & (profiles->slot_count - 1);
}

/* A file of thousands of profiles is asked dozens of times at each login. */
static bool make_index(struct ria_profiles *profiles)
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

static bool is_default(const struct ria_profile_section *section)
{
    return section->kind == RIA_PROFILE && section->name != NULL &&
           strcmp(section->name, "default") == 0;
}

/* [default], as against [profile default]. */
static bool is_bare(const struct ria_profile_section *section)
{
    return section->name == section->section->name;
}

/* [default] of the config file counts only where there is no [profile default]. */
static void drop_shadowed(struct ria_profiles *profiles)
{
    bool is_shadowed = false;
    size_t kept = 0;
    for (size_t i = 0; i < profiles->count; i++) {
        const struct ria_profile_section *section = &profiles->sections[i];
        is_shadowed = is_shadowed || (is_default(section) && !is_bare(section));
    }
    for (size_t i = 0; i < profiles->count; i++) {
        if (!is_shadowed || !is_default(&profiles->sections[i]) ||
            !is_bare(&profiles->sections[i])) {
            profiles->sections[kept++] = profiles->sections[i];
        }
    }
    profiles->count = kept;
}

enum ria_outcome ria_profiles_load(
    const struct ria_world *world, struct ria_profiles *out, struct ria_error *err)
{
    for (int i = 0; i < RIA_PROFILE_FILES; i++) {
        if (load_file(world, out, (enum ria_profile_file)i, err) == RIA_FAILED) {
            ria_profiles_release(out);
            return RIA_FAILED;
        }
    }
    if (!out->present[RIA_PROFILE_CONFIG] && !out->present[RIA_PROFILE_CREDENTIALS]) {
        return none_is_there(out, err);
    }
    size_t most = out->ini[RIA_PROFILE_CONFIG].section_count +
                  out->ini[RIA_PROFILE_CREDENTIALS].section_count;
    out->sections = calloc(most + 1, sizeof(out->sections[0]));
    if (out->sections == NULL) {
        return out_of_memory(out, err);
    }
    add_sections(world, out, RIA_PROFILE_CONFIG);
    drop_shadowed(out);
    add_sections(world, out, RIA_PROFILE_CREDENTIALS);
    return make_index(out) ? RIA_FOUND : out_of_memory(out, err);
}

static const struct ria_profile_section *last_of_slot(
    const struct ria_profiles *profiles, enum ria_profile_kind kind, const char *name)
{
    size_t at = profiles->slots == NULL ? 0 : profiles->slots[slot_of(profiles, kind, name)];
    return at == 0 ? NULL : &profiles->sections[at - 1];
}

static const struct ria_profile_section *before(
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
         at = before(profiles, at)) {
        first = is_named(at, kind, name) ? at : first;
    }
    if (first != NULL && where != NULL) {
        *where = (struct ria_setting){"", profiles->path[first->file], first->section->line};
    }
    return first != NULL;
}

/* What is looked for in the sections of one name; `parent` is NULL for what is no sub-property. */
struct wanted {
    enum ria_profile_kind kind;
    enum ria_profile_file file;
    const char *parent;
    const char *key;
};

static bool find(
    const struct ria_profiles *profiles,
    const char *name,
    const struct wanted *wanted,
    struct ria_setting *out)
{
    const struct ria_ini *ini = &profiles->ini[wanted->file];
    for (const struct ria_profile_section *section = last_of_slot(profiles, wanted->kind, name);
         section != NULL;
         section = before(profiles, section)) {
        if (section->file != wanted->file || !is_named(section, wanted->kind, name)) {
            continue;
        }
        const struct ria_ini_entry *entry =
            wanted->parent == NULL
                ? ria_ini_find(ini, section->section, wanted->key)
                : ria_ini_find_sub(ini, section->section, wanted->parent, wanted->key);
        if (entry != NULL) {
            *out = (struct ria_setting){entry->value, profiles->path[wanted->file], entry->line};
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
    return find(profiles, name, &(struct wanted){RIA_PROFILE, file, NULL, key}, out);
}

bool ria_profiles_get_session(
    const struct ria_profiles *profiles, const char *name, const char *key, struct ria_setting *out)
{
    const struct wanted wanted = {RIA_PROFILE_SSO_SESSION, RIA_PROFILE_CONFIG, NULL, key};
    return find(profiles, name, &wanted, out);
}

bool ria_profiles_get_service(
    const struct ria_profiles *profiles,
    const char *name,
    const char *service,
    const char *key,
    struct ria_setting *out)
{
    const struct wanted wanted = {RIA_PROFILE_SERVICES, RIA_PROFILE_CONFIG, service, key};
    return find(profiles, name, &wanted, out);
}

bool ria_profiles_get(
    const struct ria_profiles *profiles, const char *name, const char *key, struct ria_setting *out)
{
    return ria_profiles_get_from(profiles, RIA_PROFILE_CREDENTIALS, name, key, out) ||
           ria_profiles_get_from(profiles, RIA_PROFILE_CONFIG, name, key, out);
}

/* Warnings are in the order of their lines. */
static const struct ria_ini_warning *warning_in(
    const struct ria_ini *ini, const struct ria_ini_section *section)
{
    bool is_last = section + 1 == ini->sections + ini->section_count;
    unsigned end = is_last ? UINT_MAX : section[1].line;
    for (size_t i = 0; i < ini->warning_count; i++) {
        if (ini->warnings[i].line > section->line && ini->warnings[i].line < end) {
            return &ini->warnings[i];
        }
    }
    return NULL;
}

bool ria_profiles_fault(
    const struct ria_profiles *profiles, const char *name, struct ria_profile_fault *out)
{
    for (const struct ria_profile_section *at = last_of_slot(profiles, RIA_PROFILE, name);
         at != NULL;
         at = before(profiles, at)) {
        const struct ria_ini_warning *warning =
            is_named(at, RIA_PROFILE, name) ? warning_in(&profiles->ini[at->file], at->section)
                                            : NULL;
        if (warning != NULL) {
            *out = (struct ria_profile_fault){
                {"", profiles->path[at->file], warning->line}, warning->what};
            return true;
        }
    }
    return false;
}

void ria_profiles_release(struct ria_profiles *profiles)
{
    for (int i = 0; i < RIA_PROFILE_FILES; i++) {
        ria_ini_release(&profiles->ini[i]);
        profiles->present[i] = false;
    }
    free(profiles->sections);
    free(profiles->slots);
    profiles->sections = NULL;
    profiles->slots = NULL;
    profiles->count = 0;
}
