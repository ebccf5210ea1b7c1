/* SPDX-License-Identifier: MIT
 *
 * Redirects one path of this process to a file in memory. No real file exists at this path. The
 * interposed functions that open files call ria_redirect_try().
 */
#ifndef RIA_INTERPOSE_REDIRECT_H
#define RIA_INTERPOSE_REDIRECT_H

/* Opens the file for reading. Returns a new descriptor, owned by the caller; -1 with errno set: the
 * file does not exist. Thread-safe. */
typedef int ria_redirect_open(void);

/* Redirects an open of `path`, an absolute path, to the function. Only an open with the same
 * spelling is redirected. The string must exist as long as the process. Call it once, before
 * main(). */
void ria_redirect_set(const char *path, ria_redirect_open *open);

/* If `path` is the redirected path, calls the function and returns its result. Otherwise returns
 * -1. Thread-safe. */
int ria_redirect_try(const char *path);

#endif
