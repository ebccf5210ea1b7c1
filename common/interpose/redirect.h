/* SPDX-License-Identifier: MIT
 *
 * Redirects one path of this process to a file in memory. No real file exists at this path. The
 * interposed functions that open files call ria_redirect_try().
 */
#ifndef RIA_INTERPOSE_REDIRECT_H
#define RIA_INTERPOSE_REDIRECT_H

/* Opens the file in memory for reading. Returns a new descriptor, owned by the caller, or -1 with
 * errno set if this file does not exist. Thread-safe. */
typedef int ria_redirect_open(void);

/* Redirects every later attempt to open `path`, an absolute path, to the function `open`. An
 * attempt is redirected only if its path is spelled in the same way. The string `path` must exist
 * as long as the process. Call this function once, before main(). */
void ria_redirect_set(const char *path, ria_redirect_open *open);

/* If `path` is the redirected path, calls the function and returns its result. Otherwise returns
 * -1. Thread-safe. */
int ria_redirect_try(const char *path);

#endif
