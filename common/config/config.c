/* SPDX-License-Identifier: MIT
 *
 * Reads the configuration files and checks all of their sections. section_table.c parses section
 * names, section.c parses keys, and config_copy.c caches parsed files. Rejects a duplicate section,
 * an endpoint or tls key in a section with a wildcard, and a key of a role in a section without
 * role_arn.
 */
#include "config/config.h"

#include "base/ascii.h"
#include "base/messages.h"
#include "base/trust.h"
#include "codec/url.h"
#include "config/config_copy.h"

#include <stdlib.h>
#include <string.h>

enum {
    SECTIONS_MAX = 10000
};

/* Checks tls = verify-ca. The section must have the key `endpoint`, or the name of an endpoint as
 * its own name. RDS Proxy and Aurora DSQL are rejected, because their certificates are issued by
 * public CAs, which also issue certificates to other servers. */
static bool check_verify_ca(
    const struct ria_setting *place,
    const struct ria_section_key *key,
    const struct ria_section *section,
    struct ria_error *err)
{
    struct ria_endpoint named;
    ria_endpoint_read(key->host, &named);
    const struct ria_endpoint *endpoint =
        section->endpoint.value == NULL ? &named : &section->signed_for;
    if (section->endpoint.value == NULL && !ria_endpoint_is_database(&named)) {
        return ria_fail_at(
            err,
            RIA_E_CONFIG,
            place,
            "tls = verify-ca needs an endpoint = HOST:PORT in this section; else use "
            "verify-full");
    }
    return !ria_endpoint_has_public_ca(endpoint) ||
           ria_fail_at(err, RIA_E_CONFIG, &section->tls, RIA_REFUSAL_PUBLIC_CA, endpoint->host);
}

/* Checks the keys of a section together. A section with a wildcard must not have `endpoint` or
 * `tls`, because a token for one server must not be sent to every host that the wildcard matches.
 */
static bool check_section(
    const struct ria_setting *place,
    const struct ria_section_key *key,
    const struct ria_section *section,
    struct ria_error *err)
{
    if (key->is_wildcard && (section->endpoint.value != NULL || section->tls.value != NULL)) {
        return ria_fail_at(
            err,
            RIA_E_CONFIG,
            place,
            "endpoint and tls are not allowed in a section with a wildcard; name the host");
    }
    for (size_t i = 0; i < RIA_ROLE_VALUES; i++) {
        if (section->role.value[i].value != NULL &&
            section->role.value[RIA_ROLE_ARN].value == NULL) {
            return ria_fail_at(
                err,
                RIA_E_CONFIG,
                &section->role.value[i],
                "this key needs a role; add role_arn to this section");
        }
    }
    return !section->chain_suffices || check_verify_ca(place, key, section, err);
}

/* Parses the entries of a section. */
static bool read_entries(
    const struct ria_config_file *file,
    const struct ria_ini_section *index,
    struct ria_section *out,
    struct ria_error *err)
{
    *out = (struct ria_section){.place = {index->name, file->path.data, index->line}};
    for (size_t i = 0; i < index->count; i++) {
        const struct ria_ini_entry *entry = &file->ini.entries[index->first + i];
        if (!ria_section_parse(file->path.data, entry, out, err)) {
            return false;
        }
    }
    return true;
}

/* Parses the name and the entries of a section, and rejects a second section with the same name. */
static bool read_section(
    struct ria_config_file *file, const struct ria_ini_section *index, struct ria_error *err)
{
    struct ria_setting place = {index->name, file->path.data, index->line};
    struct ria_section section;
    const struct ria_section_key *key = ria_sections_read(&file->sections, index->name);
    char shown[64];
    if (key == NULL) {
        ria_url_show_name(index->name, shown, sizeof(shown));
        return ria_fail_at(
            err,
            RIA_E_CONFIG,
            &place,
            "[%s] is not an address; write [host], [host:port] or [user@host:port], with a "
            "leading *. as the only wildcard",
            shown);
    }
    if (!read_entries(file, index, &section, err) || !check_section(&place, key, &section, err)) {
        return false;
    }
    uint32_t earlier = ria_sections_enter(&file->sections);
    if (earlier != RIA_NO_SECTION) {
        ria_url_show_name(index->name, shown, sizeof(shown));
        return ria_fail_at(
            err,
            RIA_E_CONFIG,
            &place,
            "[%s] is the same as the section in line %u; join them",
            shown,
            file->ini.sections[earlier].line);
    }
    return true;
}

/* Checks every section of a file. A line that the ini parser has ignored with a warning is an error
 * here. */
static bool check_ini(struct ria_config_file *file, struct ria_error *err)
{
    const struct ria_ini *ini = &file->ini;
    const char *path = file->path.data;
    if (ini->warning_count > 0) {
        return ria_fail(
            err, RIA_E_CONFIG, "%s:%u: %s", path, ini->warnings[0].line, ini->warnings[0].what);
    }
    if (ini->section_count > SECTIONS_MAX) {
        return ria_fail(
            err, RIA_E_CONFIG, "%s: more than %d sections; use wildcards", path, SECTIONS_MAX);
    }
    if (!ria_sections_begin(ini, &file->sections)) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "the configuration");
    }
    for (size_t i = 0; i < ini->section_count; i++) {
        if (!read_section(file, &ini->sections[i], err)) {
            return false;
        }
    }
    return true;
}

/* Checks the owner, the writers and the sections of a file. */
static bool config_check_file(
    const struct ria_world *world, struct ria_config_file *file, struct ria_error *err)
{
    const struct ria_trusted what = {file->path.data, "RDS_IAM_CONFIG=COPY"};
    if (file->path.failed) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "the configuration");
    }
    return ria_trust_check(world, &file->facts, &what, err) && check_ini(file, err);
}

/* Reads and checks a file, and stores a copy of it. */
static enum ria_outcome config_read_file(
    const struct ria_world *world,
    const struct ria_settings_path *where,
    struct ria_config_file **out,
    struct ria_error *err)
{
    struct ria_config_file *file = calloc(1, sizeof(*file));
    if (file == NULL) {
        return ria_failed(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "the configuration");
    }
    file->users = 1;
    file->path.max = RIA_PATH_MAX;
    enum ria_outcome outcome = ria_setting_read(world, where, &file->ini, &file->facts, err);
    if (outcome == RIA_FOUND) {
        ria_buf_add_text(&file->path, where->text);
        outcome = config_check_file(world, file, err) ? RIA_FOUND : RIA_FAILED;
    }
    if (outcome != RIA_FOUND) {
        ria_config_file_release(file);
        return outcome;
    }
    ria_config_copy_put(world, file);
    *out = file;
    return RIA_FOUND;
}

/* Reads the file, or uses this process's copy of the file. If the file exists, adds it to *out. */
static enum ria_outcome config_load_file(
    const struct ria_world *world,
    uid_t user,
    const struct ria_settings_path *where,
    struct ria_config *out,
    struct ria_error *err)
{
    struct ria_config_file *file = ria_config_copy_get(world, user, where->text);
    if (file != NULL) {
        ria_world_log(world, RIA_LOG_DEBUG, "%s has not changed since it was read", where->text);
    } else {
        enum ria_outcome outcome = config_read_file(world, where, &file, err);
        if (outcome != RIA_FOUND) {
            return outcome;
        }
    }
    out->file[out->count++] = file;
    return RIA_FOUND;
}

/* Loads the file that RDS_IAM_CONFIG names. It must exist. */
static bool load_named(
    const struct ria_world *world,
    uid_t user,
    const char *named,
    struct ria_config *out,
    struct ria_error *err)
{
    char path[RIA_PATH_MAX];
    if (!ria_setting_expand(world, named, path)) {
        return ria_fail(
            err,
            RIA_E_CONFIG,
            "RDS_IAM_CONFIG: the path %s",
            ria_setting_needs_home(world, named) ? "needs HOME, which is not set"
                                                 : "is too long; shorten it");
    }
    const struct ria_settings_path where = {path, true};
    enum ria_outcome outcome = config_load_file(world, user, &where, out, err);
    if (outcome == RIA_ABSENT) {
        return ria_fail(
            err,
            RIA_E_CONFIG,
            "RDS_IAM_CONFIG names %s, which does not exist; fix or unset it",
            path);
    }
    return outcome == RIA_FOUND;
}

/* Appends the default path of the user's own file. */
static void add_default_name(const struct ria_world *world, struct ria_buf *out)
{
    const char *base = ria_world_env(world, "XDG_CONFIG_HOME");
    ria_buf_add_text(out, base != NULL && base[0] == '/' ? base : "~/.config");
    ria_buf_add_text(out, "/rds-iam/config");
}

void ria_config_add_name(const struct ria_world *world, struct ria_buf *out)
{
    const char *named = ria_world_env(world, "RDS_IAM_CONFIG");
    if (named != NULL) {
        ria_buf_add_text(out, named);
    } else {
        add_default_name(world, out);
    }
}

/* Loads the user's own file, then the system's file. Both may be missing. */
static bool load_default(
    const struct ria_world *world, uid_t user, struct ria_config *out, struct ria_error *err)
{
    RIA_AUTO(buf) name = {.max = RIA_PATH_MAX};
    char path[RIA_PATH_MAX];
    add_default_name(world, &name);
    if (ria_buf_text(&name) == NULL) {
        return ria_fail(err, RIA_E_SYSTEM, "XDG_CONFIG_HOME is too long, or memory ran out");
    }
    const struct ria_settings_path own = {path, false};
    const struct ria_settings_path system = {"/etc/rds-iam/config", false};
    if (ria_setting_expand(world, name.data, path) &&
        config_load_file(world, user, &own, out, err) == RIA_FAILED) {
        return false;
    }
    return config_load_file(world, user, &system, out, err) != RIA_FAILED;
}

bool ria_config_load(const struct ria_world *world, struct ria_config *out, struct ria_error *err)
{
    return ria_config_load_as(world, world->uid(world->self), out, err);
}

bool ria_config_load_as(
    const struct ria_world *world, uid_t user, struct ria_config *out, struct ria_error *err)
{
    const char *named = ria_world_env(world, "RDS_IAM_CONFIG");
    bool ok = named != NULL ? load_named(world, user, named, out, err)
                            : load_default(world, user, out, err);
    if (!ok) {
        ria_config_release(out);
    }
    return ok;
}

void ria_config_match(
    const struct ria_config *config,
    const char *host,
    uint16_t port,
    const char *user,
    struct ria_section *out)
{
    *out = (struct ria_section){0};
    for (size_t i = 0; i < config->count; i++) {
        const struct ria_config_file *file = config->file[i];
        uint32_t index = ria_sections_find(&file->sections, host, port, user);
        if (index != RIA_NO_SECTION) {
            struct ria_error ignored; /* every section was checked when the file was read */
            (void)read_entries(file, &file->ini.sections[index], out, &ignored);
            return;
        }
    }
}

/* Returns whether the name of the section contains neither a user nor a wildcard, and the host is
 * in the domain that the section names: the host ends with a dot and the section's host. */
static bool is_in_domain(const struct ria_section_key *key, const char *host)
{
    size_t len = strlen(host);
    return key->user == NULL && !key->is_wildcard && len > key->host_len &&
           host[len - key->host_len - 1] == '.' &&
           ria_ascii_same(host + len - key->host_len, key->host);
}

/* Returns the index of the file's section for the host's domain, and sets *is_domain to true. If
 * the file has no such section, returns 0 and leaves *is_domain unchanged. */
static size_t find_domain(const struct ria_config_file *file, const char *host, bool *is_domain)
{
    for (size_t i = 0; i < file->ini.section_count; i++) {
        if (is_in_domain(&file->sections.keys[i], host)) {
            *is_domain = true;
            return i;
        }
    }
    return 0;
}

bool ria_config_has_other(
    const struct ria_config *config,
    const char *host,
    uint16_t port,
    const char *user,
    struct ria_setting *out,
    bool *is_domain)
{
    bool is_found = false;
    *is_domain = false;
    for (size_t i = 0; i < config->count; i++) {
        const struct ria_config_file *file = config->file[i];
        if (ria_sections_find(&file->sections, host, port, user) != RIA_NO_SECTION) {
            return false;
        }
        bool was_domain = *is_domain;
        size_t index = was_domain ? 0 : find_domain(file, host, is_domain);
        if (!was_domain && file->ini.section_count > 0 && (*is_domain || !is_found)) {
            const struct ria_ini_section *section = &file->ini.sections[index];
            *out = (struct ria_setting){
                .value = section->name, .path = ria_buf_text(&file->path), .line = section->line};
            is_found = true;
        }
    }
    return is_found;
}

/* Returns whether the section is for this profile and has cache_credential_process = yes. If so,
 * sets *out to that setting. */
static bool caches_process(
    const struct ria_config_file *file,
    const struct ria_ini_section *index,
    const char *profile,
    const char *active,
    struct ria_setting *out)
{
    struct ria_section section;
    struct ria_error ignored; /* every section was checked when the file was read */
    (void)read_entries(file, index, &section, &ignored);
    const char *own = section.profile.value == NULL ? active : section.profile.value;
    if (section.process_cache.value == NULL || strcmp(own, profile) != 0) {
        return false;
    }
    *out = section.process_cache;
    return true;
}

bool ria_config_caches_process(
    const struct ria_config *config,
    const char *profile,
    const char *active,
    struct ria_setting *out)
{
    bool is_found = false;
    for (size_t i = 0; i < config->count; i++) {
        const struct ria_config_file *file = config->file[i];
        for (size_t j = 0; j < file->ini.section_count && !is_found; j++) {
            is_found = caches_process(file, &file->ini.sections[j], profile, active, out);
        }
    }
    return is_found;
}

void ria_config_release(struct ria_config *config)
{
    for (size_t i = 0; i < config->count; i++) {
        ria_config_file_release(config->file[i]);
    }
    *config = (struct ria_config){0};
}
