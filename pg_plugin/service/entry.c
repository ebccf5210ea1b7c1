/* SPDX-License-Identifier: MIT
 *
 * Checks whether an entry of pg_service.conf qualifies for tokens. A table lists the required keys.
 * Each rule about a value, or about two keys together, has its own function. Also rejects an entry
 * that libpq cannot read, that names a Unix socket as its host, that sets a password, or that
 * allows GSS encryption. */
#include "service/entry.h"

#include "service/gssencmode.h"
#include "service/keyword.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char default_port[] = "5432";
static const char required_sslmode[] = "verify-full";

/* -- lists ---------------------------------------------------------------------------------- */

static size_t item_count(const char *list)
{
    size_t count = 1;
    for (const char *at = strchr(list, ','); at != NULL; at = strchr(at + 1, ',')) {
        count++;
    }
    return count;
}

/* Copies the item at `index` to `out`. Returns false if it does not fit. The list must have more
 * than `index` items. */
static bool copy_item(const char *list, size_t index, char *out, size_t size)
{
    for (; index > 0; index--) {
        list = strchr(list, ',') + 1;
    }
    size_t len = strcspn(list, ",");
    if (len >= size) {
        return false;
    }
    memcpy(out, list, len);
    out[len] = '\0';
    return true;
}

size_t ria_entry_host_count(const struct ria_entry *entry)
{
    return entry->host == NULL ? 0 : item_count(entry->host);
}

bool ria_entry_host(const struct ria_entry *entry, size_t index, struct ria_entry_host *out)
{
    const char *ports = entry->port == NULL ? default_port : entry->port;
    size_t port_count = item_count(ports);
    struct ria_entry_host found = {0};
    if (index >= ria_entry_host_count(entry) || (port_count > 1 && index >= port_count) ||
        !copy_item(entry->host, index, found.host, sizeof(found.host)) ||
        !copy_item(ports, port_count > 1 ? index : 0, found.port, sizeof(found.port))) {
        return false;
    }
    if (found.port[0] == '\0') {
        memcpy(found.port, default_port, sizeof(default_port));
    }
    found.number = ria_port_parse(found.port);
    if (found.number == 0) {
        return false;
    }
    *out = found;
    return true;
}

/* -- an entry ------------------------------------------------------------------------------- */

static const char *entry_value_of(
    const struct ria_service_file *file, const struct ria_service *service, const char *key)
{
    const struct ria_service_setting *setting = ria_service_setting(file, service, key);
    return setting == NULL ? NULL : setting->value;
}

bool ria_entry_from_service(
    const struct ria_service_file *file, const struct ria_service *service, struct ria_entry *out)
{
    const char *passfile = entry_value_of(file, service, "passfile");
    if (passfile == NULL || *passfile == '\0') {
        return false;
    }
    *out = (struct ria_entry){
        .file = file,
        .service = service,
        .host = entry_value_of(file, service, "host"),
        .hostaddr = entry_value_of(file, service, "hostaddr"),
        .port = entry_value_of(file, service, "port"),
        .user = entry_value_of(file, service, "user"),
        .sslmode = entry_value_of(file, service, "sslmode"),
        .passfile = passfile,
    };
    return true;
}

/* Rejects the entry. The message names the line of `key`, or the line of [name] if the entry does
 * not have that key. */
__attribute__((format(printf, 4, 5))) static bool entry_refuse(
    const struct ria_entry *entry, const char *key, struct ria_error *err, const char *format, ...)
{
    const struct ria_service_setting *setting =
        key == NULL ? NULL : ria_service_setting(entry->file, entry->service, key);
    char text[RIA_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return ria_fail(
        err,
        RIA_E_CONFIG,
        "%s:%u: [%.64s] %s",
        entry->file->path,
        setting == NULL ? entry->service->line : setting->line,
        entry->service->name,
        text);
}

/* The required keys, and the message if one is missing or empty. */
static const struct {
    const char *key;
    const char *remedy;
} required[] = {
    {"host", "has no host=; add host=ENDPOINT, because a token is made for one server"},
    {"user", "has no user=; add user=NAME, because a token is made for one user"},
    {"sslmode",
     "has no sslmode=; add sslmode=verify-full and the sslrootcert= that rds-iam setup postgres "
     "prints, or the token may go to the wrong server"},
};

static bool entry_check_required(const struct ria_entry *entry, struct ria_error *err)
{
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        const char *value = entry_value_of(entry->file, entry->service, required[i].key);
        if (value == NULL || *value == '\0') {
            return entry_refuse(entry, required[i].key, err, "%s", required[i].remedy);
        }
    }
    return true;
}

/* Rejects an entry that libpq cannot read: the entry has an unknown key or a line without '=', or
 * the file has an overlong line before the end of the entry (struct ria_service, long_line). */
static bool check_readable(const struct ria_entry *entry, struct ria_error *err)
{
    const struct ria_service *service = entry->service;
    if (service->long_line != 0) {
        return ria_fail(
            err,
            RIA_E_CONFIG,
            "%s:%u: this line is longer than the %d bytes that libpq reads, so libpq cannot "
            "read [%.64s]; shorten the line",
            entry->file->path,
            service->long_line,
            RIA_SERVICE_LINE_MAX,
            service->name);
    }
    for (size_t i = service->first; i < service->first + service->count; i++) {
        const struct ria_service_setting *setting = &entry->file->settings[i];
        struct ria_error why;
        if (!ria_keyword_check(setting, &why)) {
            return ria_fail(
                err,
                RIA_E_CONFIG,
                "%s:%u: [%.64s] %s",
                entry->file->path,
                setting->line,
                service->name,
                why.text);
        }
    }
    return true;
}

static bool entry_check_hosts(const struct ria_entry *entry, struct ria_error *err)
{
    size_t count = ria_entry_host_count(entry);
    size_t ports = entry->port == NULL ? 1 : item_count(entry->port);
    if (ports != 1 && ports != count) {
        return entry_refuse(
            entry,
            "port",
            err,
            "has %zu hosts and %zu ports; give one port, or one for each host",
            count,
            ports);
    }
    if (entry->hostaddr != NULL && *entry->hostaddr != '\0' &&
        item_count(entry->hostaddr) != count) {
        return entry_refuse(
            entry,
            "hostaddr",
            err,
            "has fewer or more addresses than hosts; give one address for each host");
    }
    for (size_t i = 0; i < count; i++) {
        struct ria_entry_host host;
        char name[sizeof(host.host)];
        if (!copy_item(entry->host, i, name, sizeof(name)) || *name == '\0') {
            return entry_refuse(
                entry, "host", err, "has an empty or overlong host; name each endpoint");
        }
        if (*name == '/' || *name == '@') {
            char shown[RIA_HOST_SHOWN_SIZE];
            ria_show_host(name, shown);
            return entry_refuse(
                entry,
                "host",
                err,
                "has the Unix socket %.64s as its host; a token needs a server's name, so write "
                "host=ENDPOINT",
                shown);
        }
        if (!ria_entry_host(entry, i, &host)) {
            return entry_refuse(entry, "port", err, "has a port that is not between 1 and 65535");
        }
    }
    return true;
}

static bool entry_check_gssencmode(const struct ria_entry *entry, struct ria_error *err)
{
    const char *mode = entry_value_of(entry->file, entry->service, "gssencmode");
    return !ria_gssencmode_allows(mode) ||
           entry_refuse(
               entry,
               "gssencmode",
               err,
               "has gssencmode=%.32s: " RIA_GSSENCMODE_DANGER "; write gssencmode=disable",
               mode);
}

bool ria_entry_leaves_gss(const struct ria_entry *entry)
{
    return entry_value_of(entry->file, entry->service, "gssencmode") == NULL;
}

bool ria_entry_check(const struct ria_entry *entry, struct ria_error *err)
{
    if (!check_readable(entry, err) || !entry_check_required(entry, err)) {
        return false;
    }
    if (strcmp(entry->sslmode, required_sslmode) != 0) {
        return entry_refuse(
            entry,
            "sslmode",
            err,
            "has sslmode=%.32s, which lets the token go to an unverified server; write "
            "sslmode=verify-full and the sslrootcert= that rds-iam setup postgres prints",
            entry->sslmode);
    }
    if (!entry_check_gssencmode(entry, err)) {
        return false;
    }
    const char *password = entry_value_of(entry->file, entry->service, "password");
    if (password != NULL && *password != '\0') {
        return entry_refuse(
            entry,
            "password",
            err,
            "has a password=, and with it libpq does not read the passfile; remove the line");
    }
    return entry_check_hosts(entry, err);
}
