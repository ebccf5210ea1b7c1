/* SPDX-License-Identifier: MIT
 *
 * What makes a service a good entry for tokens. A token logs in whoever holds it, and the passfile
 * gives it to every connection that the entry describes, so the entry itself must say to whom it
 * goes: host and user by name, sslmode=verify-full, and nothing that makes libpq pass over the
 * passfile. How a service file is read is in service_file.h; no files are opened here. Which
 * entries count, and which share a passfile, is in index.h.
 *
 * Follows conninfo_storeval(), pqConnectOptions2() and passwordFromFile() in fe-connect.c,
 * PostgreSQL 10 to 18: lists are split at commas, the passfile is looked up once for each host, by
 * the texts of host and port.
 */
#ifndef RIA_SERVICE_ENTRY_H
#define RIA_SERVICE_ENTRY_H

#include "service/service_file.h"

/* A service that names a passfile. Strings are borrowed from the file; NULL: not set. */
struct ria_entry {
    const struct ria_service_file *file;
    const struct ria_service *service;
    const char *host; /* a list, as written */
    const char *hostaddr;
    const char *port;
    const char *user;
    const char *sslmode;
    const char *passfile;
};

/* One host of an entry, as libpq looks it up in the passfile. */
struct ria_entry_host {
    char host[256];
    char port[8];    /* as written; "5432" where it is left out */
    unsigned number; /* the port */
};

/* False, with *out untouched, for a service without passfile. */
bool ria_entry_take(
    const struct ria_service_file *file, const struct ria_service *service, struct ria_entry *out);

/* Checks every rule. False with err filled: "file:line: [service] what is wrong; what to do". */
bool ria_entry_check(const struct ria_entry *entry, struct ria_error *err) RIA_MUST_USE;

/* Whether the entry leaves it to libpq 12 and later to try GSS encryption before TLS
 * (gssencmode.h). It is good for a warning, and the entry is served. */
bool ria_entry_leaves_gss(const struct ria_entry *entry);

/* The number of hosts in the list, and one of them. The second is false for an item that is too
 * long or whose port is no number from 1 to 65535; never for a checked entry. */
size_t ria_entry_host_count(const struct ria_entry *entry);
bool ria_entry_host(const struct ria_entry *entry, size_t index, struct ria_entry_host *out)
    RIA_MUST_USE;

#endif
