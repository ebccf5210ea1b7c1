/* SPDX-License-Identifier: MIT
 *
 * Where a connection goes, as libpq has settled it, and what decides whether a token may go there.
 * Part of the seam between the two objects (module.h).
 */
#ifndef RIA_PRELOAD_PQ_TARGET_H
#define RIA_PRELOAD_PQ_TARGET_H

#include <stdbool.h>

/* NULL: not set. Strings are borrowed. */
struct ria_pq_target {
    const char *host; /* host, hostaddr and port may be lists */
    const char *hostaddr;
    const char *port;
    const char *user;
    const char *sslmode;
    const char *gssencmode; /* libpq 12 and later */
    const char *passfile;   /* NULL where libpq knows no home directory: it reads none then */
    bool has_token;         /* a good one that is not ours: to make none is no warning then */
    bool has_socket; /* a Unix socket, alone or in the list: it is a plain channel for tokens */

    /* The service file that libpq took settings from, and the same file, open for reading; NULL:
     * none. Where another user could write it, no token may go. -1: it cannot be judged. */
    const char *service_path;
    int service_fd;
};

#endif
