/* SPDX-License-Identifier: MIT
 *
 * Records what the program and the preload have set on each handle (MYSQL). The libraries
 * themselves do not report which options were set: for example, the option for verification is 0 on
 * a new handle, and also after the program has set it to 0.
 *
 * The record is a table with a fixed size and without locks, so it works in the child of a fork()
 * and in a signal handler. A handle has an entry from mysql_init() to mysql_close(). The table has
 * room for 16,384 handles at a time. The preload changes no setting of a handle that has no entry.
 * The table is mapped for the first handle. A page of the table takes no memory until a handle uses
 * it.
 *
 * Thread-safe for different handles. The rules of both libraries allow only one thread at a time to
 * use a handle.
 */
#ifndef RIA_MYSQL_PRELOAD_HANDLE_RECORD_H
#define RIA_MYSQL_PRELOAD_HANDLE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

enum {
    /* Set by the program. */
    RIA_SET_CA_FILE = 1 << 0,
    RIA_SET_CA_PATH = 1 << 1,
    RIA_SET_VERIFICATION = 1 << 2, /* verification on or off, or any ssl-mode */
    RIA_SET_PLUGIN_DIR = 1 << 3,
    RIA_SET_NO_TLS = 1 << 4,       /* MYSQL_OPT_SSL_ENFORCE is off */
    RIA_SET_TCP = 1 << 5,          /* MYSQL_PROTOCOL_TCP is set, so "localhost" is a TCP host */
    RIA_SET_OPTION_FILES = 1 << 6, /* the library reads option files, which may set anything */

    /* Set by the preload for the latest connection of the handle. */
    RIA_OURS_CA_FILE = 1 << 8,
    RIA_OURS_VERIFICATION = 1 << 9,
    RIA_OURS_PLUGIN_DIR = 1 << 10,
    RIA_OURS = RIA_OURS_CA_FILE | RIA_OURS_VERIFICATION | RIA_OURS_PLUGIN_DIR,

    /* Options of libmariadb that were on before the preload changed them. */
    RIA_BEFORE_VERIFIED = 1 << 16,
    RIA_BEFORE_TLS = 1 << 17,

    /* mysql_real_connect_nonblocking() has begun a connection and has not completed it yet. */
    RIA_IS_CONNECTING = 1 << 24,
};

/* Creates the entry of a handle with no flags, or clears the flags of its entry. Returns false if
 * the table has no room for the handle, or cannot be allocated. errno is unchanged. */
bool ria_handle_begin(const void *handle);

/* Reads the flags of a handle. Returns false and sets *flags to 0 if the handle has no entry. */
bool ria_handle_read(const void *handle, uint32_t *flags);

/* Changes the flags of a handle: clears the flags in `removed`, then sets the flags in `added`.
 * Does nothing if the handle has no entry. */
void ria_handle_change(const void *handle, uint32_t removed, uint32_t added);

/* Removes the entry of a handle. Does nothing if the handle has no entry. */
void ria_handle_end(const void *handle);

#endif
