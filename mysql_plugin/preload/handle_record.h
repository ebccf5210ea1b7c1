/* SPDX-License-Identifier: MIT
 *
 * What the program and the preload have set on each handle. Neither library can be asked: its
 * option for verification is 0 on a fresh handle and after an explicit 0.
 *
 * A table of fixed size and without locks, so that it works in the child of a fork() and in a
 * signal's handler. A handle has an entry from mysql_init() to mysql_close(). The table has room
 * for 16,384 handles at a time. A handle without an entry is unknown, and its connections are left
 * alone. Pages of the table that no handle has touched use no memory.
 *
 * From any thread; by the rules of both libraries, one handle is used by one thread at a time.
 */
#ifndef RIA_MYSQL_PRELOAD_HANDLE_RECORD_H
#define RIA_MYSQL_PRELOAD_HANDLE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

enum {
    /* Set by the program. */
    RIA_SET_CA_FILE = 1 << 0,
    RIA_SET_CA_PATH = 1 << 1,
    RIA_SET_VERIFICATION = 1 << 2, /* on or off; or an ssl-mode */
    RIA_SET_PLUGIN_DIR = 1 << 3,
    RIA_SET_NO_TLS = 1 << 4,       /* MYSQL_OPT_SSL_ENFORCE off */
    RIA_SET_TCP = 1 << 5,          /* MYSQL_OPT_PROTOCOL: "localhost" then is a TCP host */
    RIA_SET_OPTION_FILES = 1 << 6, /* the library reads option files, which may set anything */

    /* Set by the preload for the connection that was begun last. */
    RIA_OURS_CA_FILE = 1 << 8,
    RIA_OURS_VERIFICATION = 1 << 9,
    RIA_OURS_PLUGIN_DIR = 1 << 10,
    RIA_OURS = RIA_OURS_CA_FILE | RIA_OURS_VERIFICATION | RIA_OURS_PLUGIN_DIR,

    /* What libmariadb had before the preload changed it. */
    RIA_BEFORE_VERIFIED = 1 << 16,
    RIA_BEFORE_TLS = 1 << 17,

    /* mysql_real_connect_nonblocking() is called again until it is done. */
    RIA_IS_CONNECTING = 1 << 24,
};

/* Begins the entry of a handle, or begins it anew: nothing is set. False without room. */
bool ria_handle_begin(const void *handle);

/* Reads the flags of a handle. False if the handle is not known. */
bool ria_handle_read(const void *handle, uint32_t *flags);

/* Changes the flags of a handle: removes `removed`, then adds `added`. Does nothing for a handle
 * that is not known. */
void ria_handle_change(const void *handle, uint32_t removed, uint32_t added);

/* Ends the entry of a handle. */
void ria_handle_end(const void *handle);

#endif
