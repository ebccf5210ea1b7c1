/* SPDX-License-Identifier: MIT
 *
 * Inspects the program file of a command before the command is run, and finds out whether the
 * program can load rds-iam's shared objects. Does not inspect the programs that the command starts.
 */
#ifndef RIA_TOOL_PROGRAM_H
#define RIA_TOOL_PROGRAM_H

#include "rds_iam.h"

#include <limits.h>

enum ria_program {
    RIA_PROGRAM_LOADS,  /* nothing in the program's file prevents it from loading rds-iam's shared
                           objects */
    RIA_PROGRAM_ASAN,   /* can load them, but needs ASAN_OPTIONS to accept a preload */
    RIA_PROGRAM_STATIC, /* statically linked: loads nothing, but the programs it starts may */
    RIA_PROGRAM_PRIVILEGED,    /* runs with more rights than its caller, so its loader ignores
                                  LD_PRELOAD */
    RIA_PROGRAM_OTHER_LIBC,    /* does not use glibc, so it cannot load the objects; a program with
                                  musl would end at once */
    RIA_PROGRAM_OTHER_MACHINE, /* built for another processor or word size */
};

/* Inspects the file that execvp(3) would run for this command, with the PATH of `world`. For a
 * script, inspects its interpreter; for "#!/usr/bin/env NAME", inspects NAME. If the
 * program cannot load the objects, logs a warning that names the program. */
enum ria_program ria_program_inspect(const char *command, const struct ria_world *world);

/* Writes the path of the file that execvp(3) would run for this command, with the PATH of `world`.
 * Returns false if there is no such file. */
bool ria_program_find(const char *name, const struct ria_world *world, char out[PATH_MAX]);

/* While `path` is a script, replaces it by the path of the script's interpreter. Follows
 * "#!/usr/bin/env NAME" like ria_program_inspect(). Returns false if a file cannot be read or is
 * not a regular file, or if more scripts follow each other than Linux allows. */
bool ria_program_follow(char path[PATH_MAX], const struct ria_world *world);

/* -- the ELF file ------------------------------------------------------------------------------ */

/* The parts of an ELF file that determine how the program starts: see elf(5), and the chapter
 * "Program Loading and Dynamic Linking" of the System V ABI. The file may be damaged or hostile. So
 * ria_elf_read() checks each size and offset before it uses them, and reads the file with pread(2)
 * instead of mapping it. */
enum {
    RIA_ELF_NAME_MAX = 256 /* an interpreter's path or a library's name, with its zero byte */
};

struct ria_elf {
    bool is_foreign; /* another processor, byte order or word size; the other members are not set */
    char interpreter[RIA_ELF_NAME_MAX]; /* PT_INTERP; "": none, the program is statically linked */
    bool needs_asan; /* DT_NEEDED contains the AddressSanitizer library of gcc or clang */
};

/* Reads the ELF file behind fd; does not change the offset of fd. Returns false if the file is not
 * an ELF program or is damaged; in this case execvp(3) reports the error. Changes errno. */
bool ria_elf_read(int fd, struct ria_elf *out);

#endif
