/* SPDX-License-Identifier: MIT
 *
 * Checks service files against the rules of fe-connect.c of PostgreSQL 10 to 18 and of rds-iam.
 * Each function checks one line, setting or service. Opens no passfile: an open makes tokens. */
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
            "%zu bytes, but libpq reads at most %d, so it rejects this service and every service "
            "after it; shorten the line",
            len,
            RIA_SERVICE_LINE_MAX);
    } else if (len > RIA_SERVICE_LINE_OLD) {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            path,
            line,
            "%zu bytes, but libpq 10 to 13 reads at most %d, so it rejects this service and every "
            "service after it",
            len,
            RIA_SERVICE_LINE_OLD);
    }
}

/* Checks one line, without its newline. */
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
            "begins with a byte order mark, which libpq reads as text; save the file without it");
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
            findings, RIA_FINDING_ERROR, path, line, "begins a service but has no ]; write [NAME]");
    }
    bool is_setting = rest > 0 && *content != '#' && *content != '[';
    if (is_setting && ria_ascii_is_space(content[rest - 1])) {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            path,
            line,
            "ends with a blank or a carriage return, which libpq 10 to 12 takes as a part of the "
            "value; remove it");
    }
}

void ria_lint_lines(const char *path, const struct ria_world *world, struct ria_findings *findings)
{
    RIA_AUTO(buf) text = {.max = RIA_SERVICE_TEXT_MAX};
    struct ria_error err;
    if (world->read_file(world->self, path, &text, NULL, &err) != RIA_FOUND || text.len == 0) {
        return; /* lint_read_files() has reported the error; an empty file has no lines */
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
            "libpq before version %d does not know \"%s\" and rejects the service",
            keyword->first,
            keyword->key);
    }
    if (keyword->last < RIA_LIBPQ_NEWEST) {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            path,
            setting->line,
            "libpq after version %d does not know \"%s\" and rejects the service",
            keyword->last,
            keyword->key);
    }
}

/* Keys that libpq does not accept in a service file and that have their own messages. */
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
            "libpq gets the settings from an LDAP server; if that server does not answer, libpq "
            "connects to the database server of its defaults; write the settings themselves");
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
    for (size_t i = service->first; i < service->first + service->count; i++) {
        const struct ria_service_setting *setting = &file->settings[i];
        if (!check_key(file->path, setting, findings)) {
            continue;
        }
        check_value(file->path, setting, findings);
        /* rds-iam recommends gssencmode=disable (lint_rules_check_gssencmode()). The recommendation
         * already names the versions of libpq that reject this setting. */
        bool is_recommended =
            strcmp(setting->key, "gssencmode") == 0 && !ria_gssencmode_allows(setting->value);
        if (!is_recommended) {
            check_age(file->path, setting, findings);
        }
        const struct ria_service_setting *first = ria_service_setting(file, service, setting->key);
        if (first != setting) {
            ria_finding_add(
                findings,
                RIA_FINDING_WARNING,
                file->path,
                setting->line,
                "\"%s\" is already set in line %u, so libpq ignores this line; remove it",
                setting->key,
                first->line);
        }
    }
}

/* -- services without a passfile ------------------------------------------------------------- */

/* Checks each host of a service with sslmode=verify-full. Warns if the client will not find the
 * server, or will reject the server's certificate (ria_service_check_host()). */
static void lint_rules_check_verified_hosts(
    const struct ria_entry *entry, const struct ria_world *world, struct ria_findings *findings)
{
    const struct ria_service_setting *setting =
        ria_service_setting(entry->file, entry->service, "host");
    bool is_verified = entry->sslmode != NULL && strcmp(entry->sslmode, "verify-full") == 0;
    for (size_t i = 0; is_verified && i < ria_entry_host_count(entry); i++) {
        struct ria_entry_host host;
        struct ria_error err;
        if (!ria_entry_host(entry, i, &host)) {
            continue;
        }
        const struct ria_login login = {
            .host = host.host,
            .port = host.number,
            .user = entry->user,
            .channel = RIA_CHANNEL_VERIFIED,
            .is_service = true,
        };
        if (!ria_service_check_host(&login, world, &err)) {
            ria_finding_add(
                findings, RIA_FINDING_WARNING, entry->file->path, setting->line, "%s", err.text);
        }
    }
}

/* Returns whether rds-iam makes tokens for a host of the entry. */
static bool lint_rules_has_endpoint(const struct ria_entry *entry, const struct ria_world *world)
{
    bool is_found = false;
    for (size_t i = 0; !is_found && i < ria_entry_host_count(entry); i++) {
        struct ria_entry_host host;
        struct ria_error unused;
        const struct ria_login login = {
            .host = host.host,
            .port = ria_entry_host(entry, i, &host) ? host.number : 0,
            .user = entry->user,
            .channel = RIA_CHANNEL_NONE,
        };
        is_found = login.port != 0 && ria_login_has_endpoint(&login, world, &unused) == RIA_FOUND;
    }
    return is_found;
}

void ria_lint_no_passfile(
    const struct ria_entry *entry, const struct ria_world *world, struct ria_findings *findings)
{
    if (lint_rules_has_endpoint(entry, world)) {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            entry->file->path,
            entry->service->line,
            "[%.64s] has no passfile=, so it gets a token only under rds-iam exec; for the agent, "
            "add the passfile= that rds-iam setup postgres prints",
            entry->service->name);
    }
    lint_rules_check_verified_hosts(entry, world, findings);
}

/* -- services with a passfile ---------------------------------------------------------------- */

static unsigned lint_rules_line_of(const struct ria_entry *entry, const char *key)
{
    const struct ria_service_setting *setting =
        ria_service_setting(entry->file, entry->service, key);
    return setting == NULL ? entry->service->line : setting->line;
}

/* Checks the type and mode of the passfile, if it exists. Does not open the passfile, because the
 * agent would then make tokens. */
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
            "%s is not a regular file, so libpq does not read it",
            entry->passfile);
    } else if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        ria_finding_add(
            findings,
            RIA_FINDING_ERROR,
            entry->file->path,
            line,
            "other users can read %s, so libpq ignores it; run: chmod 600 %s",
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
            "[%.64s] has no sslrootcert=; libpq uses ~/.postgresql/root.crt",
            entry->service->name);
    } else if (strcmp(path, "system") == 0) {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            entry->file->path,
            setting->line,
            "libpq before version 16 takes \"system\" as a file name; the system's certificates "
            "verify RDS Proxy and Aurora DSQL, but not RDS; name Amazon's bundle");
    } else if (access(path, R_OK) != 0) {
        ria_finding_add(
            findings,
            RIA_FINDING_ERROR,
            entry->file->path,
            setting->line,
            "%s cannot be read, so libpq cannot verify the server",
            path);
    }
}

/* Warns if the passfile is in the directory /run/user/UID of another user. Only that user can enter
 * the directory. Such an entry was probably copied from an example or from another account. */
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
            "/run/user/%lu belongs to another user, so your agent cannot write there; write "
            "passfile=/run/user/%lu%s",
            uid,
            (unsigned long)geteuid(),
            rest);
    }
}

/* Reports a passfile that rds-iam-agent does not fill because of its name. If the agent uses the
 * name for a file of its own, reports an error. If the name begins with a dot, only warns, because
 * the passfile may be the user's own file, such as ~/.pgpass. */
static void check_name(const struct ria_entry *entry, struct ria_findings *findings)
{
    const char *slash = strrchr(entry->passfile, '/');
    const char *name = slash == NULL ? entry->passfile : slash + 1;
    bool is_reserved = ria_agent_owns_name(name);
    if (is_reserved || *name == '.') {
        ria_finding_add(
            findings,
            is_reserved ? RIA_FINDING_ERROR : RIA_FINDING_WARNING,
            entry->file->path,
            lint_rules_line_of(entry, "passfile"),
            "rds-iam-agent does not fill a passfile called \"%.64s\"; use another name",
            name);
    }
}

/* Warns if GSS encryption is not disabled. The warning does not depend on a Kerberos ticket,
 * because rds-iam lint cannot know whether the client will have a ticket. */
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

/* Reports a value HOST:PORT of host=, because libpq takes the whole value as the host name.
 * Terraform and connection URLs use the form HOST:PORT. A host with more than one colon is an IPv6
 * address and is not reported. */
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
                "libpq takes all of \"%.255s\" as the name; write the port in port=",
                shown);
        }
    }
}

/* Warns about environment variables that override the service's settings or use its passfile. */
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
            "PGPASSWORD is set, and libpq uses it instead of the passfile of [%.64s]; unset it, or "
            "add the line password= without a value",
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
            "PGPASSFILE also names this file, and a program that reads the file that way ignores "
            "the sslmode of [%.64s]: it sends the token to a server that it does not verify; also "
            "set PGSSLMODE=verify-full, PGSSLROOTCERT and PGGSSENCMODE=disable",
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
            "libpq does not expand variables; write the path itself");
    }
    lint_rules_check_hosts(entry, findings);
    lint_rules_check_verified_hosts(entry, world, findings);
    check_name(entry, findings);
    check_runtime_directory(entry, findings);
    lint_rules_check_file(entry, findings);
    check_root_certificate(entry, findings);
    lint_rules_check_gssencmode(entry, findings);
    check_environment(entry, world, findings);
}
