/* SPDX-License-Identifier: MIT
 *
 * One path of this process at which no real file is installed, and the function that opens the file
 * in memory that programs read there. The interposed functions that open files use it.
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

/* Calls the function. Returns -1 if `path` is not the redirected path. Thread-safe. */
int ria_redirect_try(const char *path);

#endif
