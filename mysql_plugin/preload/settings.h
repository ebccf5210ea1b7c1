/* SPDX-License-Identifier: MIT
 *
 * The settings of a handle: records what the program sets, and sets before a connection what
 * neither the program nor the user has set.
 *
 * For a host of RDS, or one that rds-iam's configuration maps, these are: the CA file, the
 * verification of the server's name, and the directory of our plugins. An option file that the
 * library reads overrides them, because the library reads it later. All other connections are left
 * alone; what an earlier connection of the handle was given is taken back.
 *
 * From any thread; a handle is used by one thread at a time. Keeps errno.
 */
#ifndef RIA_MYSQL_PRELOAD_SETTINGS_H
#define RIA_MYSQL_PRELOAD_SETTINGS_H

#include "preload/client_abi.h"

#include "interpose/library.h"

/* A connection that the program begins. Strings are borrowed. */
struct ria_dialled {
    const char *host; /* NULL: an option file may give it, or it is a Unix socket */
    unsigned port;
    const char *user;
    const char *unix_socket;
};

/* Records an option that the program has set. `library` is the copy that the handle belongs to. */
void ria_settings_record(
    const struct ria_library *library,
    const struct ria_handle *handle,
    int number,
    const void *value);

/* Records a call of mysql_ssl_set(); NULL and "" set nothing. */
void ria_settings_record_ssl(const struct ria_handle *handle, const char *ca, const char *capath);

/* Sets what is missing, or takes back what was set for another host. */
void ria_settings_apply(
    const struct ria_library *library,
    struct ria_handle *handle,
    const struct ria_dialled *dialled);

/* After a connection that failed without RIA_REMEMBER_OPTIONS: the library has freed the handle's
 * options, so nothing counts as set, unless it refused the call before that. */
void ria_settings_forget(const struct ria_library *library, struct ria_handle *handle);

#endif
