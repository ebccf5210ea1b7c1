/* SPDX-License-Identifier: MIT
 *
 * Records the options that the program sets on a handle, and sets missing options before a
 * connection.
 *
 * For an RDS host (a host with an RDS name, or one that rds-iam's configuration maps), the preload
 * sets three options: the CA file, the verification of the server's name, and rds-iam's plugin
 * directory. It sets an option only if the program has not set this option. Without a CA, it does
 * not turn verification on. If the library reads an option file, the options in that file override
 * the preload's options, because the library reads the file later. For every other host the preload
 * sets nothing, and it removes the options that it set for an earlier connection of the handle.
 *
 * Thread-safe for different handles; a handle must be used by one thread at a time. Preserves
 * errno.
 */
#ifndef RIA_MYSQL_PRELOAD_SETTINGS_H
#define RIA_MYSQL_PRELOAD_SETTINGS_H

#include "preload/client_abi.h"

#include "interpose/library.h"

/* A connection that the program begins. Strings are borrowed. */
struct ria_dialed {
    const char *host; /* NULL: an option file may name a host; if none does, the library uses a Unix
                         socket */
    unsigned port;
    const char *user;
    const char *unix_socket;
};

/* Records that the program has set the option with this number. `library` is the copy that the
 * handle belongs to. */
void ria_settings_record(
    const struct ria_library *library,
    const struct ria_handle *handle,
    int number,
    const void *value);

/* Records that the program has called mysql_ssl_set() with this CA file and CA directory. NULL and
 * "" count as not set. For libmariadb, also records that TLS is on, because this call turns TLS on
 * there. */
void ria_settings_record_ssl(
    const struct ria_library *library,
    const struct ria_handle *handle,
    const char *ca,
    const char *capath);

/* Removes the options that the preload set for the previous connection, and sets the missing
 * options for the new one. Does nothing while a nonblocking connection of the handle is in
 * progress, or if the handle is connected. Blocks while rds-iam's configuration is read. */
void ria_settings_apply(
    const struct ria_library *library, struct ria_handle *handle, const struct ria_dialed *dialed);

/* Clears the handle's record. Call it after a connection without RIA_REMEMBER_OPTIONS has failed,
 * because the library has then freed the handle's options. Does nothing if the library rejected the
 * call before it began to connect. */
void ria_settings_forget(const struct ria_library *library, struct ria_handle *handle);

#endif
