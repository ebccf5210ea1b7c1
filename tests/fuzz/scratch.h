/* SPDX-License-Identifier: MIT
 *
 * Files for code that opens a file by its path, such as libpq. The files are in a directory below
 * the working directory, which is removed when the program ends.
 */
#ifndef RIA_FUZZ_SCRATCH_H
#define RIA_FUZZ_SCRATCH_H

#include "fuzz.h"

enum {
    FUZZ_SCRATCH_FILES = 4
};

/* Returns the absolute path of the directory, without a slash at the end. The first call
 * creates the directory. */
const char *fuzz_scratch_directory(void);

/* Writes a file of the directory and returns its absolute path, valid until the program ends. The
 * file has mode 0600. A program may use at most FUZZ_SCRATCH_FILES names. */
const char *fuzz_scratch_write(const char *name, const struct ria_buf *bytes);

/* Sets the environment of code that uses the process's own world: HOME is the directory, the log is
 * off, and the credentials are static keys with the id FUZZ_KEY_ID and the secret FUZZ_SECRET. */
#define FUZZ_KEY_ID "AKIDFUZZ"
void fuzz_scratch_environment(void);

#endif
