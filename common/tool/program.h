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
enum ria_program ria_program_inspect(const char *command, const struct ria_world *world);

/* -- its file --------------------------------------------------------------------------------- */

/* What the header of a program's file says about how the program starts: elf(5), the System V ABI's
 * chapter "Program Loading and Dynamic Linking". The file may be damaged or hostile: nothing that
 * it says is used as a size or a place before it is checked, and it is read by pread(2) alone. */
enum {
    RIA_ELF_NAME_MAX = 256 /* of an interpreter's path and a library's name, with the 0 */
};

struct ria_elf {
    bool is_foreign; /* for another processor, byte order or word size; the rest is not read */
    char interpreter[RIA_ELF_NAME_MAX]; /* PT_INTERP; empty: none, so it is statically linked */
    bool needs_asan; /* DT_NEEDED: gcc's or clang's run-time library of AddressSanitizer */
};

/* Reads the file that fd is open for, and leaves its offset alone. False: it is not an ELF program
 * or is damaged, and the kernel will find words for that. Changes errno. */
bool ria_elf_read(int fd, struct ria_elf *out);

#endif
