/* SPDX-License-Identifier: MIT
 *
 * Decides whether a service qualifies for tokens. Any program that has a token can log in with it,
 * and the passfile gives the token to every connection that uses the entry. So nothing may be left
 * to the connection: the entry itself must name the server (host) and the database user (user), and
 * must make libpq verify the server (sslmode=verify-full). The host must not be a Unix socket. The
 * entry must not contain a setting that makes libpq ignore the passfile. service_file.h reads the
 * service file; this file opens no files. index.h decides which of the entries libpq reads and
 * which entries share a passfile.
 *
 * Follows conninfo_storeval(), pqConnectOptions2() and passwordFromFile() in fe-connect.c,
 * PostgreSQL 10 to 18: libpq splits lists at commas, and searches the passfile once for each host,
 * comparing the texts of host and port.
 */
#ifndef RIA_SERVICE_ENTRY_H
#define RIA_SERVICE_ENTRY_H

#include "service/service_file.h"

/* An entry: a service that names a passfile. The strings are borrowed from the file; NULL: not set.
 */
struct ria_entry {
    const struct ria_service_file *file;
    const struct ria_service *service;
    const char *host; /* a list separated by commas, as written */
    const char *hostaddr;
    const char *port;
    const char *user;
    const char *sslmode;
    const char *passfile;
};

/* One host of an entry, in the form by which libpq searches the passfile. */
struct ria_entry_host {
    char host[256];
    char port[8];    /* as written; "5432" if it is missing */
    unsigned number; /* the same port as a number */
};

/* Fills *out from a service that names a passfile. Returns false, with *out unchanged, if the
 * service names no passfile. *out borrows from *file and from *service. ria_entry_check() checks
 * the other rules. */
bool ria_entry_from_service(
    const struct ria_service_file *file, const struct ria_service *service, struct ria_entry *out);

/* Checks every rule. If the entry breaks a rule, returns false with err filled: "file:line:
 * [service] what is wrong; what to do". */
bool ria_entry_check(const struct ria_entry *entry, struct ria_error *err) RIA_MUST_USE;

/* Returns true if the entry does not set gssencmode, so that libpq 12 and later may try GSS
 * encryption before TLS (gssencmode.h). Such an entry is valid, but the caller should log a
 * warning. */
bool ria_entry_leaves_gss(const struct ria_entry *entry);

/* ria_entry_host_count() returns the number of hosts in the list. ria_entry_host() fills *out with
 * the host at `index`. It returns false if there is no host at `index`, if the host's name is too
 * long, or if its port is not a number from 1 to 65535. After ria_entry_check() has returned true,
 * only the first of these cases can occur. */
size_t ria_entry_host_count(const struct ria_entry *entry);
bool ria_entry_host(const struct ria_entry *entry, size_t index, struct ria_entry_host *out)
    RIA_MUST_USE;

#endif
