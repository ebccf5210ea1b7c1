/* SPDX-License-Identifier: MIT
 *
 * The probe: asks libpq how it resolves a connection's settings from arguments, connection string
 * or URI, service file, environment and defaults. The probe repeats none of libpq's rules. Instead
 * it begins the same connection with PQconnectStartParams() and one setting that has an invalid
 * value. libpq resolves all settings, finds the invalid one, and refuses the connection before it
 * uses the network. PQconninfo() of the refused connection then returns the resolved settings.
 *
 * A result counts only if libpq's message contains the invalid value, or, for ria_probe_service(),
 * the number of hosts that does not match. If the connection has failed for another reason, such as
 * a lack of memory, libpq could resolve the settings differently at the next attempt.
 *
 * All functions need libpq 10 or later and do not probe an older libpq. They may be called from any
 * thread. They read files (service file, passfile) but do not use the network.
 */
#ifndef RIA_PRELOAD_PROBE_H
#define RIA_PRELOAD_PROBE_H

#include "preload/abi.h"
#include "preload/arguments.h"
#include "preload/pq_target.h"

#include "interpose/library.h"

/* The resolved settings of a connection. All pointers are owned, except libpq. */
struct ria_pq_settings {
    const struct ria_library *libpq;
    struct ria_pq_option *options; /* of PQconninfo() */
    bool has_stored_password; /* the passfile has a password for the first host, and this password
                                 is not a token */
    char *stored_token;       /* the token that the passfile has for the first host; or NULL */
    struct ria_pq_conn *refused; /* the handle, if libpq itself refuses the connection; or NULL */
    char *service_path;          /* the service file that the settings came from; NULL: none */
    int service_fd; /* a descriptor of the same open file; -1: it could not be duplicated */
};

enum ria_probe_response {
    RIA_PROBE_RESOLVED, /* the settings are known */
    RIA_PROBE_REFUSED,  /* libpq refuses the connection, maybe for lack of memory; `refused` is the
                           handle, with libpq's message */
    RIA_PROBE_UNKNOWN,  /* the preload cannot determine what the connection would send */
};

/* Returns whether this copy of libpq reports its settings: it is of version 10 or later. */
bool ria_probe_is_possible(const struct ria_library *libpq);

/* Probes the connection that `arguments` describe. `invalid_setting` is the keyword of the setting
 * that gets the invalid value. The result does not contain the real value of this setting.
 * *arguments is unchanged on return. The caller releases *out in any case, or uses
 * RIA_AUTO(pq_settings). */
enum ria_probe_response ria_probe(
    const struct ria_library *libpq,
    struct ria_arguments *arguments,
    const char *invalid_setting,
    struct ria_pq_settings *out);

/* Makes a second probe to find the service file from which libpq read settings of this connection.
 * Stores the file in settings->service_path and service_fd. Returns false if the file could not be
 * determined. */
bool ria_probe_service(
    const struct ria_library *libpq,
    struct ria_arguments *arguments,
    struct ria_pq_settings *settings);

/* Reads the settings of an existing connection into *out. Returns false if memory runs out or if
 * this copy of libpq lacks a function. The caller releases *out in any case. */
bool ria_probe_connection(
    const struct ria_library *libpq, struct ria_pq_conn *conn, struct ria_pq_settings *out);

/* -- what follows from the settings ---------------------------------------------------------- */

/* Returns the value of a setting, borrowed; NULL if the setting is unknown, unset or empty. */
char *ria_pq_settings_value(const struct ria_pq_settings *settings, const char *keyword);

/* Returns whether gssencmode is "prefer", the default of libpq 12 and later. If gssencmode is
 * "prefer" and the user has a ticket, libpq offers Kerberos encryption before TLS, whatever sslmode
 * is. A server that accepts the offer shows no certificate. */
bool ria_pq_settings_prefers_gss(const struct ria_pq_settings *settings);

/* Returns the target of the connection (pq_target.h). Its strings are borrowed from `settings`. */
struct ria_pq_target ria_pq_settings_target(const struct ria_pq_settings *settings);

/* Converts settings back to arguments of the same connection, with an empty password and without
 * the settings whose keywords are in `excluded`, which ends with NULL. *out has room for three more
 * arguments and borrows strings from `settings`. Returns false if memory runs out. The caller
 * releases *out in any case. */
bool ria_pq_settings_without_password(
    const struct ria_pq_settings *settings, const char *const *excluded, struct ria_arguments *out);

/* Frees everything that *settings owns and wipes the stored token. */
void ria_pq_settings_release(struct ria_pq_settings *settings);

#endif
