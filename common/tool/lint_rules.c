/* SPDX-License-Identifier: MIT
 *
 * The rules, from fe-connect.c of PostgreSQL 10 to 18, and the keywords that each of these versions
 * knows. */
#include "tool/lint.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- lines ----------------------------------------------------------------------------------- */

static void check_length(struct ria_lint *lint, const char *path, unsigned line, size_t len)
{
    if (len > RIA_SERVICE_LINE_MAX) {
        ria_lint_add(
            lint,
            RIA_FINDING_ERROR,
            path,
            line,
            "%zu bytes, and libpq takes %d: to it this service and all behind it are lost; shorten "
            "the line",
            len,
            RIA_SERVICE_LINE_MAX);
    } else if (len > RIA_SERVICE_LINE_OLD) {
        ria_lint_add(
            lint,
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
    struct ria_lint *lint, const char *path, unsigned line, const char *text, size_t len)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (line == 1 && len >= 3 && memcmp(text, mark, 3) == 0) {
        ria_lint_add(
            lint,
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
        ria_lint_add(
            lint, RIA_FINDING_ERROR, path, line, "begins a service and has no ]; write [NAME]");
    }
    bool is_setting = rest > 0 && *content != '#' && *content != '[';
    if (is_setting && ria_ascii_is_space(content[rest - 1])) {
        ria_lint_add(
            lint,
            RIA_FINDING_WARNING,
            path,
            line,
            "ends in a blank or a carriage return, which libpq 10 to 12 takes for a part of the "
            "value; remove it");
    }
}

void ria_lint_lines(struct ria_lint *lint, const char *path)
{
    RIA_AUTO(buf) text = {.max = RIA_SERVICE_TEXT_MAX};
    struct ria_error err;
    if (lint->world->read_file(lint->world->self, path, &text, NULL, &err) != RIA_FOUND ||
        text.len == 0) {
        return; /* said where the file is read for its services */
    }
    const char *at = text.data;
    for (unsigned line = 1; *at != '\0'; line++) {
        size_t len = strcspn(at, "\n");
        size_t newline = at[len] == '\n' ? 1 : 0;
        check_length(lint, path, line, len + newline);
        check_line(lint, path, line, at, len);
        at += len + newline;
    }
}

/* -- settings -------------------------------------------------------------------------------- */

static const struct {
    const char *key;
    unsigned since; /* major version */
} later_keys[] = {
    {"channel_binding", 13},
    {"gssdelegation", 16},
    {"gssencmode", 12},
    {"load_balance_hosts", 16},
    {"max_protocol_version", 18},
    {"min_protocol_version", 18},
    {"oauth_client_id", 18},
    {"oauth_client_secret", 18},
    {"oauth_issuer", 18},
    {"oauth_scope", 18},
    {"require_auth", 16},
    {"scram_client_key", 18},
    {"scram_server_key", 18},
    {"ssl_max_protocol_version", 13},
    {"ssl_min_protocol_version", 13},
    {"sslcertmode", 16},
    {"sslcrldir", 14},
    {"sslkeylogfile", 18},
    {"sslnegotiation", 17},
    {"sslpassword", 13},
    {"sslsni", 14},
    {"tcp_user_timeout", 12},
};

static const struct {
    const char *key;
    unsigned last;
} former_keys[] = {
    {"authtype", 13},
    {"tty", 13},
};

static void check_age(struct ria_lint *lint, const char *path, unsigned line, const char *key)
{
    for (size_t i = 0; i < sizeof(later_keys) / sizeof(later_keys[0]); i++) {
        if (strcmp(later_keys[i].key, key) == 0) {
            ria_lint_add(
                lint,
                RIA_FINDING_WARNING,
                path,
                line,
                "libpq before version %u does not know \"%s\", and refuses the service for it",
                later_keys[i].since,
                key);
        }
    }
    for (size_t i = 0; i < sizeof(former_keys) / sizeof(former_keys[0]); i++) {
        if (strcmp(former_keys[i].key, key) == 0) {
            ria_lint_add(
                lint,
                RIA_FINDING_WARNING,
                path,
                line,
                "libpq after version %u does not know \"%s\", and refuses the service for it",
                former_keys[i].last,
                key);
        }
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
    struct ria_lint *lint, const char *path, const struct ria_service_setting *setting)
{
    const char *key = setting->key;
    if (strncmp(key, "ldap://", 7) == 0) {
        ria_lint_add(
            lint,
            RIA_FINDING_ERROR,
            path,
            setting->line,
            "a directory is asked for the settings: without an answer libpq goes on with its "
            "defaults, to another server; write the settings themselves");
        return false;
    }
    for (size_t i = 0; i < sizeof(wrong_keys) / sizeof(wrong_keys[0]); i++) {
        if (strcmp(wrong_keys[i].key, key) == 0) {
            ria_lint_add(lint, RIA_FINDING_ERROR, path, setting->line, "%s", wrong_keys[i].why);
            return false;
        }
    }
    if (setting->value == NULL || !ria_service_knows_key(key)) {
        ria_lint_add(
            lint,
            RIA_FINDING_ERROR,
            path,
            setting->line,
            RIA_MESSAGE_UNKNOWN_KEY,
            key,
            setting->value == NULL ? RIA_MESSAGE_NO_EQUALS : "");
        return false;
    }
    return true;
}

static void check_value(
    struct ria_lint *lint, const char *path, const struct ria_service_setting *setting)
{
    const char *fault = ria_service_setting_fault(setting);
    if (fault != NULL) {
        ria_lint_add(lint, RIA_FINDING_WARNING, path, setting->line, "%s", fault);
    }
}

void ria_lint_settings(
    struct ria_lint *lint, const struct ria_service_file *file, const struct ria_service *service)
{
    bool has_passfile = ria_service_setting(file, service, "passfile") != NULL;
    for (size_t i = service->first; i < service->first + service->count; i++) {
        const struct ria_service_setting *setting = &file->settings[i];
        if (!check_key(lint, file->path, setting)) {
            continue;
        }
        check_value(lint, file->path, setting);
        /* Advised where a passfile is, and what libpq 10 and 11 make of it is said there. */
        if (!has_passfile || strcmp(setting->key, "gssencmode") != 0) {
            check_age(lint, file->path, setting->line, setting->key);
        }
        const struct ria_service_setting *first = ria_service_setting(file, service, setting->key);
        if (first != setting) {
            ria_lint_add(
                lint,
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

static unsigned line_of(const struct ria_entry *entry, const char *key)
{
    const struct ria_service_setting *setting =
        ria_service_setting(entry->file, entry->service, key);
    return setting == NULL ? entry->service->line : setting->line;
}

/* The file itself, if it is there already. It is not opened: an agent would make tokens for us. */
static void check_file(struct ria_lint *lint, const struct ria_entry *entry)
{
    struct stat status;
    unsigned line = line_of(entry, "passfile");
    if (stat(entry->passfile, &status) != 0) {
        return;
    }
    if (!S_ISREG(status.st_mode)) {
        ria_lint_add(
            lint,
            RIA_FINDING_ERROR,
            entry->file->path,
            line,
            "%s is no regular file, and libpq does not read it",
            entry->passfile);
    } else if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        ria_lint_add(
            lint,
            RIA_FINDING_ERROR,
            entry->file->path,
            line,
            "others can read %s, so libpq does not; type: chmod 600 %s",
            entry->passfile,
            entry->passfile);
    }
}

static void check_root_certificate(struct ria_lint *lint, const struct ria_entry *entry)
{
    const struct ria_service_setting *setting =
        ria_service_setting(entry->file, entry->service, "sslrootcert");
    const char *path = setting == NULL ? "" : setting->value;
    if (*path == '\0') {
        ria_lint_add(
            lint,
            RIA_FINDING_WARNING,
            entry->file->path,
            entry->service->line,
            "[%.64s] has no sslrootcert=; libpq takes ~/.postgresql/root.crt",
            entry->service->name);
    } else if (strcmp(path, "system") == 0) {
        ria_lint_add(
            lint,
            RIA_FINDING_WARNING,
            entry->file->path,
            setting->line,
            "libpq before version 16 takes \"system\" for a file's name; and the system knows RDS "
            "Proxy's certificates, not those of RDS");
    } else if (access(path, R_OK) != 0) {
        ria_lint_add(
            lint,
            RIA_FINDING_ERROR,
            entry->file->path,
            setting->line,
            "%s cannot be read, and without it no server is verified",
            path);
    }
}

/* An example's uid, or another account's entry: the directory is closed to everybody else. */
static void check_runtime_directory(struct ria_lint *lint, const struct ria_entry *entry)
{
    static const char place[] = "/run/user/";
    const char *number = entry->passfile + strlen(place);
    if (strncmp(entry->passfile, place, strlen(place)) != 0 || !ria_ascii_is_digit(*number)) {
        return;
    }
    char *rest;
    unsigned long uid = strtoul(number, &rest, 10);
    if (*rest == '/' && uid != geteuid()) {
        ria_lint_add(
            lint,
            RIA_FINDING_WARNING,
            entry->file->path,
            line_of(entry, "passfile"),
            "/run/user/%lu is closed to you, and your agent fills nothing there; write "
            "passfile=/run/user/%lu%s",
            uid,
            (unsigned long)geteuid(),
            rest);
    }
}

/* Names in its directory that rds-iam-agent fills with no token. ~/.pgpass may be somebody's own.
 */
static void check_name(struct ria_lint *lint, const struct ria_entry *entry)
{
    static const char *const taken[] = {"agent.log", "agent.pid", "agent.socket"};
    const char *slash = strrchr(entry->passfile, '/');
    const char *name = slash == NULL ? entry->passfile : slash + 1;
    bool is_taken = *name == '\0';
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        is_taken = is_taken || strcmp(name, taken[i]) == 0;
    }
    if (is_taken || *name == '.') {
        ria_lint_add(
            lint,
            is_taken ? RIA_FINDING_ERROR : RIA_FINDING_WARNING,
            entry->file->path,
            line_of(entry, "passfile"),
            "rds-iam-agent fills no passfile called \"%.64s\"; give it another name",
            name);
    }
}

/* That a ticket is there when a program connects cannot be seen from here. */
static void check_gssencmode(struct ria_lint *lint, const struct ria_entry *entry)
{
    if (ria_entry_leaves_gss(entry)) {
        ria_lint_add(
            lint,
            RIA_FINDING_WARNING,
            entry->file->path,
            entry->service->line,
            "[%.64s] has no gssencmode=; with a Kerberos ticket libpq 12 and later (Debian's has "
            "it "
            "built in) tries GSS encryption before TLS, and the token goes to a server that showed "
            "no certificate; add gssencmode=disable, unless libpq 10 or 11 or pgx reads this: they "
            "do not know the key and refuse the service",
            entry->service->name);
    }
}

/* As Terraform and connection URLs have it. An IPv6 address has more colons than one. */
static void check_hosts(struct ria_lint *lint, const struct ria_entry *entry)
{
    struct ria_entry_host host;
    for (size_t i = 0; i < ria_entry_host_count(entry); i++) {
        const char *colon = ria_entry_host(entry, i, &host) ? strchr(host.host, ':') : NULL;
        if (colon != NULL && strchr(colon + 1, ':') == NULL) {
            char shown[RIA_HOST_SHOWN_SIZE];
            ria_show_host(host.host, shown);
            ria_lint_add(
                lint,
                RIA_FINDING_ERROR,
                entry->file->path,
                line_of(entry, "host"),
                "libpq takes all of \"%.255s\" for a name; write the port into port=",
                shown);
        }
    }
}

/* What programs here find in their environment. */
static void check_environment(struct ria_lint *lint, const struct ria_entry *entry)
{
    const char *passfile = ria_world_env(lint->world, "PGPASSFILE");
    const char *sslmode = ria_world_env(lint->world, "PGSSLMODE");
    const char *gssencmode = ria_world_env(lint->world, "PGGSSENCMODE");
    if (ria_world_env(lint->world, "PGPASSWORD") != NULL &&
        ria_service_setting(entry->file, entry->service, "password") == NULL) {
        ria_lint_add(
            lint,
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
        ria_lint_add(
            lint,
            RIA_FINDING_WARNING,
            entry->file->path,
            line_of(entry, "passfile"),
            "PGPASSFILE names this file too, and a program that reads it so does not see the "
            "sslmode of [%.64s]: it sends the token to a server that it does not verify; set "
            "PGSSLMODE=verify-full, PGSSLROOTCERT and PGGSSENCMODE=disable beside it",
            entry->service->name);
    }
}

void ria_lint_passfile(struct ria_lint *lint, const struct ria_entry *entry)
{
    unsigned line = line_of(entry, "passfile");
    if (*entry->passfile != '/') {
        ria_lint_add(
            lint,
            RIA_FINDING_ERROR,
            entry->file->path,
            line,
            "libpq takes \"%.64s\" as it is, from whatever directory a program runs in; write a "
            "path that begins with /",
            entry->passfile);
    } else if (strpbrk(entry->passfile, "$%") != NULL) {
        ria_lint_add(
            lint,
            RIA_FINDING_WARNING,
            entry->file->path,
            line,
            "libpq puts in no variables; write the path itself");
    }
    check_hosts(lint, entry);
    check_name(lint, entry);
    check_runtime_directory(lint, entry);
    check_file(lint, entry);
    check_root_certificate(lint, entry);
    check_gssencmode(lint, entry);
    check_environment(lint, entry);
}
