/* SPDX-License-Identifier: MIT
 *
 * Defects that the analyzers must find: a read of freed memory, and a read past the end of an
 * array, because cppcheck does not report the first one. This file is only analyzed, and is never
 * compiled into a program. */
#include <stdlib.h>

int planted(void);

int planted(void)
{
    int table[2] = {1, 2};
    int *block = malloc(sizeof(*block));
    if (block == NULL) {
        return table[2];
    }
    *block = 1;
    free(block);
    return *block;
}
