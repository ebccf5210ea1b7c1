/* SPDX-License-Identifier: MIT
 *
 * Which program a command is, and whether it can load the objects that rds-iam exec gives it: told
 * by its file, before it is run. What the program starts later is not seen.
 */
#ifndef RIA_TOOL_PROGRAM_H
#define RIA_TOOL_PROGRAM_H

#include "rds_iam.h"

enum ria_program {
    RIA_PROGRAM_LOADS,      /* as far as its file tells; also a file that cannot be read */
    RIA_PROGRAM_ASAN,       /* the same, with a run-time library that must be told of a preload */
    RIA_PROGRAM_STATIC,     /* loads nothing; what it starts may */
    RIA_PROGRAM_OTHER_LIBC, /* its C library cannot load them: musl ends such a program */
    RIA_PROGRAM_OTHER_MACHINE, /* for another processor or word size */
};

/* Looks at the file that execvp(3) would run for this command, by world's PATH; at the interpreter
 * of a script instead, and behind "#!/usr/bin/env NAME" at NAME. Warns, through world, where our
 * objects are not loaded, and names the program. */
enum ria_program ria_program_look(const char *command, const struct ria_world *world);

#endif
