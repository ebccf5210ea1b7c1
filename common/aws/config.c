/* SPDX-License-Identifier: MIT
 *
 * Sections are read into a key (user, host pattern, port) and a target; the same code checks a
 * file and matches in it. */
#include "aws/config.h"

#include "base/trust.h"
#include "codec/url.h"

#include <string.h>

/* Each section is compared with all before it, at every login: a thousand cost some 30 ms. */
enum {
    SECTIONS_MAX = 1000
};

/* What a section is keyed by. */
struct key {
    char user[256];
    bool has_user;
    char host[RIA_HOST_SIZE]; /* without the "*" of a wildcard: ".eu-west-1.rds.amazonaws.com" */
    bool is_wildcard;
    uint16_t port;
    bool has_port;
};

/* Compares host names without case. strcasecmp() is not asked: in a Turkish locale its I is no i.
 */
static bool same_host(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char x = (char)(a[i] >= 'A' && a[i] <= 'Z' ? a[i] - 'A' + 'a' : a[i]);
        char y = (char)(b[i] >= 'A' && b[i] <= 'Z' ? b[i] - 'A' + 'a' : b[i]);
        if (x != y) {
            return false;
        }
    }
    return true;
}

static bool take_host(const char *text, struct key *key)
{
    size_t len = strlen(text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    key->is_wildcard = strncmp(text, "*.", 2) == 0;
    if (key->is_wildcard) {
        text++;
        len--;
    }
    if (len > 1 && text[len - 1] == '.') {
        len--;
    }
    if (len == (key->is_wildcard ? 1 : 0) || len >= RIA_HOST_SIZE) {
        return false;
    }
    memcpy(key->host, text, len);
    key->host[len] = '\0';
    /* No host is written with these: [profile etl] is a section of another file, and {REGION} is
     * what somebody copied and did not replace. */
    return key->host[strcspn(key->host, "* \t\"'/[]{}<>")] == '\0';
}

/* Reads "user@host:port". The last @ splits, because a user name may hold one. */
static bool parse_key(const char *name, struct key *out)
{
    struct key key = {0};
    const char *at = strrchr(name, '@');
    if (at != NULL) {
        size_t len = (size_t)(at - name);
        if (len == 0 || len >= sizeof(key.user)) {
            return false;
        }
        memcpy(key.user, name, len);
        key.user[len] = '\0';
        key.has_user = true;
        name = at + 1;
    }
    char host[RIA_HOST_SIZE];
    key.has_port = ria_endpoint_split(name, host, &key.port);
    /* A bare IPv6 address holds colons, anything else with one must end in a port. */
    const char *colon = strchr(name, ':');
    bool is_bare_ipv6 = colon != NULL && strchr(colon + 1, ':') != NULL;
    if (!key.has_port && colon != NULL && !is_bare_ipv6) {
        return false;
    }
    if (!take_host(key.has_port ? host : name, &key)) {
        return false;
    }
    *out = key;
    return true;
}

static bool same_key(const struct key *a, const struct key *b)
{
    return a->has_user == b->has_user && a->is_wildcard == b->is_wildcard &&
           a->has_port == b->has_port && a->port == b->port && strcmp(a->user, b->user) == 0 &&
           strlen(a->host) == strlen(b->host) && same_host(a->host, b->host, strlen(a->host));
}

static bool key_matches(const struct key *key, const char *host, uint16_t port, const char *user)
{
    if (key->has_user && strcmp(key->user, user) != 0) {
        return false;
    }
    if (key->has_port && key->port != port) {
        return false;
    }
    size_t len = strlen(host);
    if (len > 1 && host[len - 1] == '.') {
        len--;
    }
    size_t key_len = strlen(key->host);
    if (key->is_wildcard) {
        return len > key_len && same_host(host + len - key_len, key->host, key_len);
    }
    return len == key_len && same_host(host, key->host, len);
}

/* Whether a section is keyed by the name of an RDS endpoint, whole. */
static bool is_rds_name(const struct key *key)
{
    struct ria_endpoint endpoint;
    struct ria_error unused;
    return !key->is_wildcard && ria_endpoint_parse(key->host, &endpoint, &unused) != RIA_FAILED &&
           endpoint.kind != RIA_ENDPOINT_OTHER;
}

/* One server's token must not go to every name that matches. Where the client checks the chain
 * alone, the section must say which endpoint it is about: by its own name or by `endpoint`. */
static bool check_section(
    const struct ria_setting *place,
    const struct key *key,
    const struct ria_target *target,
    struct ria_error *err)
{
    if (key->is_wildcard && (target->endpoint.value != NULL || target->tls.value != NULL)) {
        return ria_fail_at(
            err,
            RIA_E_CONFIG,
            place,
            "endpoint and tls cannot stand in a section with a wildcard; name the host");
    }
    for (size_t i = 0; i < RIA_ROLE_VALUES; i++) {
        if (target->role.value[i].value != NULL && target->role.value[RIA_ROLE_ARN].value == NULL) {
            return ria_fail_at(
                err,
                RIA_E_CONFIG,
                &target->role.value[i],
                "this key belongs to a role; add role_arn beside it");
        }
    }
    if (target->chain_suffices && target->endpoint.value == NULL && !is_rds_name(key)) {
        return ria_fail_at(
            err,
            RIA_E_CONFIG,
            place,
            "tls = verify-ca needs an endpoint = HOST:PORT beside it; without one keep "
            "verify-full");
    }
    return true;
}

static bool read_section(
    const struct ria_ini *ini,
    const char *path,
    const struct ria_ini_section *section,
    struct ria_target *out,
    struct ria_error *err)
{
    struct ria_setting place = {section->name, path, section->line};
    struct ria_target target = {0};
    struct key key;
    if (!parse_key(section->name, &key)) {
        char shown[64];
        ria_url_show_name(section->name, shown, sizeof(shown));
        return ria_fail_at(
            err,
            RIA_E_CONFIG,
            &place,
            "[%s] is no address; write [host], [host:port] or [user@host:port], with a "
            "leading *. as the only wildcard",
            shown);
    }
    for (size_t i = 0; i < section->count; i++) {
        if (!ria_target_take(path, &ini->entries[section->first + i], &target, err)) {
            return false;
        }
    }
    if (!check_section(&place, &key, &target, err)) {
        return false;
    }
    *out = target;
    return true;
}

static bool check_equal_sections(
    const struct ria_ini *ini, const char *path, size_t index, struct ria_error *err)
{
    struct key key;
    struct key earlier;
    const struct ria_ini_section *section = &ini->sections[index];
    bool known = parse_key(section->name, &key);
    for (size_t i = 0; known && i < index; i++) {
        if (parse_key(ini->sections[i].name, &earlier) && same_key(&key, &earlier)) {
            char shown[64];
            ria_url_show_name(section->name, shown, sizeof(shown));
            return ria_fail(
                err,
                RIA_E_CONFIG,
                "%s:%u: [%s] is the same as the section in line %u; join them",
                path,
                section->line,
                shown,
                ini->sections[i].line);
        }
    }
    return true;
}

static bool check_ini(const struct ria_ini *ini, const char *path, struct ria_error *err)
{
    if (ini->warning_count > 0) {
        return ria_fail(
            err, RIA_E_CONFIG, "%s:%u: %s", path, ini->warnings[0].line, ini->warnings[0].what);
    }
    if (ini->section_count > SECTIONS_MAX) {
        return ria_fail(
            err, RIA_E_CONFIG, "%s: more than %d sections; use wildcards", path, SECTIONS_MAX);
    }
    for (size_t i = 0; i < ini->section_count; i++) {
        struct ria_target target;
        if (!read_section(ini, path, &ini->sections[i], &target, err) ||
            !check_equal_sections(ini, path, i, err)) {
            return false;
        }
    }
    return true;
}

/* Reads the file and counts it if it is there. */
static enum ria_outcome load_file(
    const struct ria_world *world,
    const struct ria_settings_path *where,
    struct ria_config *out,
    struct ria_error *err)
{
    const char *path = where->text;
    struct ria_ini *ini = &out->ini[out->count];
    struct ria_file file = {0};
    enum ria_outcome outcome = ria_setting_read(world, where, ini, &file, err);
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    struct ria_buf *kept = &out->path[out->count++];
    kept->max = RIA_PATH_MAX;
    ria_buf_add_text(kept, path);
    if (kept->failed) {
        return ria_failed(err, RIA_E_SYSTEM, "out of memory for the configuration");
    }
    const struct ria_trusted what = {path, "RDS_IAM_CONFIG=COPY"};
    return ria_trust_check(world, &file, &what, err) && check_ini(ini, path, err) ? RIA_FOUND
                                                                                  : RIA_FAILED;
}

static bool load_named(
    const struct ria_world *world, const char *named, struct ria_config *out, struct ria_error *err)
{
    char path[RIA_PATH_MAX];
    if (!ria_setting_expand(world, named, path)) {
        return ria_fail(err, RIA_E_CONFIG, "RDS_IAM_CONFIG: the path needs HOME, which is not set");
    }
    const struct ria_settings_path where = {path, true};
    enum ria_outcome outcome = load_file(world, &where, out, err);
    if (outcome == RIA_ABSENT) {
        return ria_fail(
            err,
            RIA_E_CONFIG,
            "RDS_IAM_CONFIG names %s, which does not exist; mend or unset it",
            path);
    }
    return outcome == RIA_FOUND;
}

/* The user's own file. */
static void add_usual_name(const struct ria_world *world, struct ria_buf *out)
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
        add_usual_name(world, out);
    }
}

static bool load_usual(const struct ria_world *world, struct ria_config *out, struct ria_error *err)
{
    RIA_AUTO(buf) name = {.max = RIA_PATH_MAX};
    char path[RIA_PATH_MAX];
    add_usual_name(world, &name);
    if (ria_buf_text(&name) == NULL) {
        return ria_fail(
            err, RIA_E_SYSTEM, "XDG_CONFIG_HOME is too long to be a path, or memory ran out");
    }
    const struct ria_settings_path own = {path, false};
    const struct ria_settings_path system = {"/etc/rds-iam/config", false};
    if (ria_setting_expand(world, name.data, path) &&
        load_file(world, &own, out, err) == RIA_FAILED) {
        return false;
    }
    return load_file(world, &system, out, err) != RIA_FAILED;
}

bool ria_config_load(const struct ria_world *world, struct ria_config *out, struct ria_error *err)
{
    const char *named = ria_world_env(world, "RDS_IAM_CONFIG");
    bool ok = named != NULL ? load_named(world, named, out, err) : load_usual(world, out, err);
    if (!ok) {
        ria_config_release(out);
    }
    return ok;
}

static const struct ria_ini_section *find_section(
    const struct ria_ini *ini, const char *host, uint16_t port, const char *user)
{
    for (size_t i = 0; i < ini->section_count; i++) {
        struct key key;
        if (parse_key(ini->sections[i].name, &key) && key_matches(&key, host, port, user)) {
            return &ini->sections[i];
        }
    }
    return NULL;
}

void ria_config_match(
    const struct ria_config *config,
    const char *host,
    uint16_t port,
    const char *user,
    struct ria_target *out)
{
    *out = (struct ria_target){0};
    for (size_t i = 0; i < config->count; i++) {
        const struct ria_ini_section *section = find_section(&config->ini[i], host, port, user);
        if (section != NULL) {
            struct ria_error ignored; /* every section was checked when the file was read */
            (void)read_section(&config->ini[i], config->path[i].data, section, out, &ignored);
            return;
        }
    }
}

void ria_config_release(struct ria_config *config)
{
    for (size_t i = 0; i < RIA_CONFIG_FILES; i++) {
        ria_ini_release(&config->ini[i]);
        ria_buf_release(&config->path[i]);
    }
    config->count = 0;
}
