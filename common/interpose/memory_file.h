/* SPDX-License-Identifier: MIT
 *
 * One file that exists only in the memory of this process, at a path at which no real file is
 * installed. The interposed functions that open files use it. A child process does not inherit the
 * file.
 */
#ifndef RIA_INTERPOSE_MEMORY_FILE_H
#define RIA_INTERPOSE_MEMORY_FILE_H

#include <stdbool.h>

/* Makes the file exist, with this text as its content. `path` is absolute; only an open with the
 * same spelling finds the file. Both texts must exist as long as the process. Call it once, before
 * main(). */
void ria_memory_file_create(const char *path, const char *text);

/* Opens the file for reading, if `path` is its path. Returns a new descriptor of a file with mode
 * 0600, owned by the caller and with the close-on-exec flag. Returns -1 if `path` is another path,
 * or if the kernel creates no file in memory. Changes errno. Thread-safe. */
int ria_memory_file_open(const char *path);

#endif
