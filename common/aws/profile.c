/* SPDX-License-Identifier: MIT
 *
 * Reads AWS's config file and credentials file, and finds the profiles in them. Rejects a file that
 * other users can write. From a file that belongs to another user, rejects settings that name a
 * command, a file, a server or a trusted certificate.
 */
#include "aws/profile.h"

#include "base/ascii.h"
#include "base/messages.h"
#include "base/text.h"
#include "base/trust.h"
#include "codec/url.h"

#include <stdlib.h>
#include <string.h>

struct location {
    const char *variable;
    const char *fallback;
    const char *copy; /* for messages: the setting with which the user names a copy of the file */
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

/* Skips `word` and the spaces and tabs that follow it, and returns the rest of the text. Returns
 * NULL if the text does not begin with the word and a space or tab. */
static const char *after_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    if (strncmp(text, word, len) != 0 || (text[len] != ' ' && text[len] != '\t')) {
        return NULL;
    }
    return text + len + strspn(text + len, " \t");
}

/* Unquotes a name in place, in the text of the document. Returns NULL for an invalid name, such as
 * a name with spaces outside quotes. */
static const char *unquoted(struct ria_ini *ini, const char *name)
{
    char *own = ini->text.data + (name - ini->text.data);
    return ria_text_unquote(own) ? own : NULL;
}

/* Sets the kind and the name of a section of the config file. Returns false if the section is
 * ignored. */
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

/* Sets the kind and the name of a section of the credentials file, where the whole section name is
 * the profile's name. Returns false for an empty name, and for a name that begins with "profile ".
 */
static bool classify_credentials(
    const struct ria_ini_section *section, struct ria_profile_section *out)
{
    out->kind = RIA_PROFILE;
    out->name = section->name;
    return *out->name != '\0' && after_word(section->name, "profile") == NULL;
}

/* Returns whether every AWS tool accepts the character in a name. strspn() is not used, because it
 * would build a table of the accepted characters for each name. */
static bool is_accepted_by_all_tools(char c)
{
    return ria_ascii_is_alnum(c) || (c != '\0' && strchr("_-/.%@:+ ", c) != NULL);
}

/* Logs a warning for a name that some AWS tools reject. */
static void warn_about_name(
    const struct ria_world *world, const char *path, const struct ria_profile_section *section)
{
    const char *at = section->name;
    while (is_accepted_by_all_tools(*at)) {
        at++;
    }
    if (world->log != NULL && *at != '\0') {
        char shown[128];
        (void)ria_url_show_in(section->name, shown, sizeof(shown));
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "%s:%u: the name \"%s\" contains a character that some AWS tools do not accept",
            path,
            section->section->line,
            shown);
    }
}

/* Adds the sections of one file to the list, except those that are ignored. */
static void add_sections(
    const struct ria_world *world, struct ria_profiles *profiles, enum ria_profile_file file)
{
    struct ria_ini *ini = &profiles->ini[file];
    for (size_t i = 0; i < ini->section_count; i++) {
        struct ria_profile_section section = {.file = file, .section = &ini->sections[i]};
        bool is_profile = file == RIA_PROFILE_CONFIG
                              ? classify_config(ini, section.section, &section)
                              : classify_credentials(section.section, &section);
        if (is_profile) {
            warn_about_name(world, profiles->path[file], &section);
            profiles->sections[profiles->count++] = section;
        }
    }
}

/* -- another user's file -------------------------------------------------------------------- */

static struct ria_trusted trusted_file(
    const struct ria_profiles *profiles, enum ria_profile_file which)
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
        "its keys, roles and sessions are used, but none of its commands, token files, endpoints "
        "and CA bundles",
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
            const struct ria_trusted what = trusted_file(profiles, (enum ria_profile_file)i);
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

/* Rejects a file that other users can write. Logs a warning if the file belongs to another user. */
static bool profile_check_file(
    const struct ria_world *world,
    struct ria_profiles *profiles,
    enum ria_profile_file which,
    struct ria_error *err)
{
    const struct ria_file *facts = &profiles->facts[which];
    const struct ria_trusted what = trusted_file(profiles, which);
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

/* Reports a path that ria_setting_expand() has rejected: FAILED if a variable contains a path that
 * is too long, ABSENT if HOME is not set or is too long. */
static enum ria_outcome profile_report_path(
    const struct ria_world *world,
    struct ria_profiles *profiles,
    enum ria_profile_file which,
    struct ria_error *err)
{
    const struct location *location = &locations[which];
    const char *named = ria_world_env(world, location->variable);
    bool needs_home = ria_setting_needs_home(world, named != NULL ? named : location->fallback);
    if (named != NULL && !needs_home) {
        return ria_failed(
            err, RIA_E_CREDENTIALS, "%s: the path is too long; shorten it", location->variable);
    }
    profiles->home_fault = needs_home ? "HOME is not set" : "HOME is too long";
    return ria_absent(err, "%s: %s", location->fallback, profiles->home_fault);
}

/* Reads one of the two files. Returns the same outcomes as ria_setting_read() and
 * profile_report_path(), and also FAILED if other users can write the file. */
static enum ria_outcome profile_load_file(
    const struct ria_world *world,
    struct ria_profiles *profiles,
    enum ria_profile_file which,
    struct ria_error *err)
{
    const char *named = ria_world_env(world, locations[which].variable);
    char *path = profiles->path[which];
    if (!ria_setting_expand(world, named != NULL ? named : locations[which].fallback, path)) {
        return profile_report_path(world, profiles, which, err);
    }
    struct ria_ini *ini = &profiles->ini[which];
    const struct ria_settings_path where = {path, named != NULL};
    enum ria_outcome outcome = ria_setting_read(world, &where, ini, &profiles->facts[which], err);
    profiles->is_unreachable[which] = outcome == RIA_ABSENT && err->code == RIA_E_UNREACHABLE;
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    profiles->present[which] = true;
    if (!profile_check_file(world, profiles, which, err)) {
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

/* Returns ABSENT, with the reason why neither file was read. */
static enum ria_outcome profile_none_exists(
    const struct ria_profiles *profiles, struct ria_error *err)
{
    const char *unreachable = ria_profiles_unreachable(profiles);
    if (unreachable != NULL) {
        return ria_absent(
            err,
            "%.200s is a directory or a loop of links, or is below a directory that this user "
            "cannot search",
            unreachable);
    }
    if (profiles->home_fault != NULL) {
        return ria_absent(err, "%s, so ~/.aws is not known", profiles->home_fault);
    }
    return ria_absent(
        err,
        "neither %s nor %s exists",
        profiles->path[RIA_PROFILE_CONFIG],
        profiles->path[RIA_PROFILE_CREDENTIALS]);
}

static enum ria_outcome profile_out_of_memory(struct ria_profiles *profiles, struct ria_error *err)
{
    ria_profiles_release(profiles);
    return ria_failed(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "the AWS profiles");
}

static bool is_default(const struct ria_profile_section *section)
{
    return section->kind == RIA_PROFILE && section->name != NULL &&
           strcmp(section->name, "default") == 0;
}

/* Returns whether the section is [default] and not [profile default]. */
static bool is_bare(const struct ria_profile_section *section)
{
    return section->name == section->section->name;
}

/* Removes [default] of the config file if [profile default] exists. */
static void drop_shadowed(struct ria_profiles *profiles)
{
    bool is_shadowed = false;
    size_t remaining = 0;
    for (size_t i = 0; i < profiles->count; i++) {
        const struct ria_profile_section *section = &profiles->sections[i];
        is_shadowed = is_shadowed || (is_default(section) && !is_bare(section));
    }
    for (size_t i = 0; i < profiles->count; i++) {
        if (!is_shadowed || !is_default(&profiles->sections[i]) ||
            !is_bare(&profiles->sections[i])) {
            profiles->sections[remaining++] = profiles->sections[i];
        }
    }
    profiles->count = remaining;
}

enum ria_outcome ria_profiles_load(
    const struct ria_world *world, struct ria_profiles *out, struct ria_error *err)
{
    for (int i = 0; i < RIA_PROFILE_FILES; i++) {
        if (profile_load_file(world, out, (enum ria_profile_file)i, err) == RIA_FAILED) {
            ria_profiles_release(out);
            return RIA_FAILED;
        }
    }
    if (!out->present[RIA_PROFILE_CONFIG] && !out->present[RIA_PROFILE_CREDENTIALS]) {
        return profile_none_exists(out, err);
    }
    size_t most = out->ini[RIA_PROFILE_CONFIG].section_count +
                  out->ini[RIA_PROFILE_CREDENTIALS].section_count;
    out->sections = calloc(most + 1, sizeof(out->sections[0]));
    if (out->sections == NULL) {
        return profile_out_of_memory(out, err);
    }
    add_sections(world, out, RIA_PROFILE_CONFIG);
    drop_shadowed(out);
    add_sections(world, out, RIA_PROFILE_CREDENTIALS);
    return ria_profiles_index(out) ? RIA_FOUND : profile_out_of_memory(out, err);
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
