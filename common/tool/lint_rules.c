/* SPDX-License-Identifier: MIT
 *
 * The rules, from fe-connect.c of PostgreSQL 10 to 18. Each looks at one line, setting or entry and
 * adds what it finds. No passfile is opened: an agent would make tokens for us. */
#include "tool/lint_rules.h"

#include "passfile/agent_directory.h"
#include "service/gssencmode.h"
#include "service/keyword.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- lines ----------------------------------------------------------------------------------- */

static void check_length(const char *path, unsigned line, size_t len, struct ria_findings *findings)
{
    if (len > RIA_SERVICE_LINE_MAX) {
        ria_finding_add(
            findings,
            RIA_FINDING_ERROR,
            path,
            line,
            "%zu bytes, and libpq takes %d: to it this service and all behind it are lost; shorten "
            "the line",
            len,
            RIA_SERVICE_LINE_MAX);
    } else if (len > RIA_SERVICE_LINE_OLD) {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            path,
            line,
            "%zu bytes, and libpq 10 to 13 takes %d: to it this service and all behind it are lost",
            len,
            RIA_SERVICE_LINE_OLD);
    }
}

/* One line without its newline. */
static void check_line(
    const char *path, unsigned line, const char *text, size_t len, struct ria_findings *findings)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (line == 1 && len >= 3 && memcmp(text, mark, 3) == 0) {
        ria_finding_add(
            findings,
            RIA_FINDING_ERROR,
            path,
            line,
            "begins with a byte order mark, which libpq takes for text; save the file without it");
        text += 3;
        len -= 3;
    }
    size_t blanks = 0;
    while (blanks < len && ria_ascii_is_space(text[blanks])) {
        blanks++;
    }
    const char *content = text + blanks;
    size_t rest = len - blanks;
    if (rest > 0 && *content == '[' && memchr(content, ']', rest) == NULL) {
        ria_finding_add(
            findings, RIA_FINDING_ERROR, path, line, "begins a service and has no ]; write [NAME]");
    }
    bool is_setting = rest > 0 && *content != '#' && *content != '[';
    if (is_setting && ria_ascii_is_space(content[rest - 1])) {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            path,
            line,
            "ends in a blank or a carriage return, which libpq 10 to 12 takes for a part of the "
            "value; remove it");
    }
}

void ria_lint_lines(const char *path, const struct ria_world *world, struct ria_findings *findings)
{
    RIA_AUTO(buf) text = {.max = RIA_SERVICE_TEXT_MAX};
    struct ria_error err;
    if (world->read_file(world->self, path, &text, NULL, &err) != RIA_FOUND || text.len == 0) {
        return; /* said where the file is read for its services */
    }
    const char *at = text.data;
    for (unsigned line = 1; *at != '\0'; line++) {
        size_t len = strcspn(at, "\n");
        size_t newline = at[len] == '\n' ? 1 : 0;
        check_length(path, line, len + newline, findings);
        check_line(path, line, at, len, findings);
        at += len + newline;
    }
}

/* -- settings -------------------------------------------------------------------------------- */

static void check_age(
    const char *path, const struct ria_service_setting *setting, struct ria_findings *findings)
{
    const struct ria_keyword *keyword = ria_keyword_find(setting->key);
    if (keyword->first > RIA_LIBPQ_OLDEST) {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            path,
            setting->line,
            "libpq before version %d does not know \"%s\", and refuses the service for it",
            keyword->first,
            keyword->key);
    }
    if (keyword->last < RIA_LIBPQ_NEWEST) {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            path,
            setting->line,
            "libpq after version %d does not know \"%s\", and refuses the service for it",
            keyword->last,
            keyword->key);
    }
}

/* Keys that are no keywords, for a reason of their own. */
static const struct {
    const char *key;
    const char *why;
} wrong_keys[] = {
    {"service", "a service cannot name another one; copy its settings"},
    {"servicefile", "a service file cannot be named here; set PGSERVICEFILE"},
};

static bool check_key(
    const char *path, const struct ria_service_setting *setting, struct ria_findings *findings)
{
    const char *key = setting->key;
    if (strncmp(key, "ldap://", 7) == 0) {
        ria_finding_add(
            findings,
            RIA_FINDING_ERROR,
            path,
            setting->line,
            "a directory is asked for the settings: without an answer libpq goes on with its "
            "defaults, to another server; write the settings themselves");
        return false;
    }
    for (size_t i = 0; i < sizeof(wrong_keys) / sizeof(wrong_keys[0]); i++) {
        if (strcmp(wrong_keys[i].key, key) == 0) {
            ria_finding_add(
                findings, RIA_FINDING_ERROR, path, setting->line, "%s", wrong_keys[i].why);
            return false;
        }
    }
    struct ria_error err;
    if (!ria_keyword_check(setting, &err)) {
        ria_finding_add(findings, RIA_FINDING_ERROR, path, setting->line, "%s", err.text);
        return false;
    }
    return true;
}

static void check_value(
    const char *path, const struct ria_service_setting *setting, struct ria_findings *findings)
{
    const char *fault = ria_keyword_fault(setting);
    if (fault != NULL) {
        ria_finding_add(findings, RIA_FINDING_WARNING, path, setting->line, "%s", fault);
    }
}

void ria_lint_settings(
    const struct ria_service_file *file,
    const struct ria_service *service,
    struct ria_findings *findings)
{
    bool has_passfile = ria_service_setting(file, service, "passfile") != NULL;
    for (size_t i = service->first; i < service->first + service->count; i++) {
        const struct ria_service_setting *setting = &file->settings[i];
        if (!check_key(file->path, setting, findings)) {
            continue;
        }
        check_value(file->path, setting, findings);
        /* Advised where a passfile is, and what libpq 10 and 11 make of it is said there. */
        if (!has_passfile || strcmp(setting->key, "gssencmode") != 0) {
            check_age(file->path, setting, findings);
        }
        const struct ria_service_setting *first = ria_service_setting(file, service, setting->key);
        if (first != setting) {
            ria_finding_add(
                findings,
                RIA_FINDING_WARNING,
                file->path,
                setting->line,
                "\"%s\" is set in line %u already, and the first one counts",
                setting->key,
                first->line);
        }
    }
}

/* -- services with a passfile ---------------------------------------------------------------- */

static unsigned lint_rules_line_of(const struct ria_entry *entry, const char *key)
{
    const struct ria_service_setting *setting =
        ria_service_setting(entry->file, entry->service, key);
    return setting == NULL ? entry->service->line : setting->line;
}

/* The file itself, if it is there already. It is not opened: an agent would make tokens for us. */
static void lint_rules_check_file(const struct ria_entry *entry, struct ria_findings *findings)
{
    struct stat status;
    unsigned line = lint_rules_line_of(entry, "passfile");
    if (stat(entry->passfile, &status) != 0) {
        return;
    }
    if (!S_ISREG(status.st_mode)) {
        ria_finding_add(
            findings,
            RIA_FINDING_ERROR,
            entry->file->path,
            line,
            "%s is no regular file, and libpq does not read it",
            entry->passfile);
    } else if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        ria_finding_add(
            findings,
            RIA_FINDING_ERROR,
            entry->file->path,
            line,
            "others can read %s, so libpq does not; type: chmod 600 %s",
            entry->passfile,
            entry->passfile);
    }
}

static void check_root_certificate(const struct ria_entry *entry, struct ria_findings *findings)
{
    const struct ria_service_setting *setting =
        ria_service_setting(entry->file, entry->service, "sslrootcert");
    const char *path = setting == NULL ? "" : setting->value;
    if (*path == '\0') {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            entry->file->path,
            entry->service->line,
            "[%.64s] has no sslrootcert=; libpq takes ~/.postgresql/root.crt",
            entry->service->name);
    } else if (strcmp(path, "system") == 0) {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            entry->file->path,
            setting->line,
            "libpq before version 16 takes \"system\" for a file's name; and the system knows RDS "
            "Proxy's certificates, not those of RDS");
    } else if (access(path, R_OK) != 0) {
        ria_finding_add(
            findings,
            RIA_FINDING_ERROR,
            entry->file->path,
            setting->line,
            "%s cannot be read, and without it no server is verified",
            path);
    }
}

/* An example's uid, or another account's entry: the directory is closed to everybody else. */
static void check_runtime_directory(const struct ria_entry *entry, struct ria_findings *findings)
{
    static const char place[] = "/run/user/";
    const char *number = entry->passfile + strlen(place);
    if (strncmp(entry->passfile, place, strlen(place)) != 0 || !ria_ascii_is_digit(*number)) {
        return;
    }
    char *rest;
    unsigned long uid = strtoul(number, &rest, 10);
    if (*rest == '/' && uid != geteuid()) {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            entry->file->path,
            lint_rules_line_of(entry, "passfile"),
            "/run/user/%lu is closed to you, and your agent fills nothing there; write "
            "passfile=/run/user/%lu%s",
            uid,
            (unsigned long)geteuid(),
            rest);
    }
}

/* Names in its directory that rds-iam-agent fills with no token. ~/.pgpass may be somebody's own.
 */
static void check_name(const struct ria_entry *entry, struct ria_findings *findings)
{
    const char *slash = strrchr(entry->passfile, '/');
    const char *name = slash == NULL ? entry->passfile : slash + 1;
    bool is_taken = ria_agent_owns_name(name);
    if (is_taken || *name == '.') {
        ria_finding_add(
            findings,
            is_taken ? RIA_FINDING_ERROR : RIA_FINDING_WARNING,
            entry->file->path,
            lint_rules_line_of(entry, "passfile"),
            "rds-iam-agent fills no passfile called \"%.64s\"; give it another name",
            name);
    }
}

/* That a ticket is there when a program connects cannot be seen from here. */
static void lint_rules_check_gssencmode(
    const struct ria_entry *entry, struct ria_findings *findings)
{
    if (ria_entry_leaves_gss(entry)) {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            entry->file->path,
            entry->service->line,
            "[%.64s] has no gssencmode=: " RIA_GSSENCMODE_DANGER "; " RIA_GSSENCMODE_REMEDY,
            entry->service->name);
    }
}

/* As Terraform and connection URLs have it. An IPv6 address has more colons than one. */
static void lint_rules_check_hosts(const struct ria_entry *entry, struct ria_findings *findings)
{
    struct ria_entry_host host;
    for (size_t i = 0; i < ria_entry_host_count(entry); i++) {
        const char *colon = ria_entry_host(entry, i, &host) ? strchr(host.host, ':') : NULL;
        if (colon != NULL && strchr(colon + 1, ':') == NULL) {
            char shown[RIA_HOST_SHOWN_SIZE];
            ria_show_host(host.host, shown);
            ria_finding_add(
                findings,
                RIA_FINDING_ERROR,
                entry->file->path,
                lint_rules_line_of(entry, "host"),
                "libpq takes all of \"%.255s\" for a name; write the port into port=",
                shown);
        }
    }
}

/* What programs here find in their environment. */
static void check_environment(
    const struct ria_entry *entry, const struct ria_world *world, struct ria_findings *findings)
{
    const char *passfile = ria_world_env(world, "PGPASSFILE");
    const char *sslmode = ria_world_env(world, "PGSSLMODE");
    const char *gssencmode = ria_world_env(world, "PGGSSENCMODE");
    if (ria_world_env(world, "PGPASSWORD") != NULL &&
        ria_service_setting(entry->file, entry->service, "password") == NULL) {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            entry->file->path,
            entry->service->line,
            "PGPASSWORD is set, and libpq takes it instead of [%.64s]'s passfile; unset it, or add "
            "an empty line password= to the service",
            entry->service->name);
    }
    if (passfile != NULL && strcmp(passfile, entry->passfile) == 0 &&
        (sslmode == NULL || strcmp(sslmode, "verify-full") != 0 || gssencmode == NULL ||
         strcmp(gssencmode, "disable") != 0)) {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            entry->file->path,
            lint_rules_line_of(entry, "passfile"),
            "PGPASSFILE names this file too, and a program that reads it so does not see the "
            "sslmode of [%.64s]: it sends the token to a server that it does not verify; set "
            "PGSSLMODE=verify-full, PGSSLROOTCERT and PGGSSENCMODE=disable beside it",
            entry->service->name);
    }
}

void ria_lint_passfile(
    const struct ria_entry *entry, const struct ria_world *world, struct ria_findings *findings)
{
    unsigned line = lint_rules_line_of(entry, "passfile");
    if (*entry->passfile != '/') {
        ria_finding_add(
            findings,
            RIA_FINDING_ERROR,
            entry->file->path,
            line,
            RIA_KEYWORD_RELATIVE,
            entry->passfile);
    } else if (strpbrk(entry->passfile, "$%") != NULL) {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            entry->file->path,
            line,
            "libpq puts in no variables; write the path itself");
    }
    lint_rules_check_hosts(entry, findings);
    check_name(entry, findings);
    check_runtime_directory(entry, findings);
    lint_rules_check_file(entry, findings);
    check_root_certificate(entry, findings);
    lint_rules_check_gssencmode(entry, findings);
    check_environment(entry, world, findings);
}
