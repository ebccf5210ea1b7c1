/* SPDX-License-Identifier: MIT
 *
 * What the header of a program's file says about how the program starts: elf(5), the System V ABI's
 * chapter "Program Loading and Dynamic Linking". The file may be damaged or hostile: nothing that
 * it says is used as a size or a place before it is checked, and it is read by pread(2) alone.
 */
#ifndef RIA_TOOL_ELF_FILE_H
#define RIA_TOOL_ELF_FILE_H

#include <stdbool.h>

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
