/* SPDX-License-Identifier: MIT
 *
 * Prints the length of the first line of a file in bytes, or why the file cannot be opened. It is
 * also linked statically. A preload has no effect on the static program. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    char line[8192];
    FILE *file = fopen(argc > 1 ? argv[1] : "", "r");
    if (file == NULL) {
        printf("%s\n", strerror(errno));
        return 1;
    }
    printf("%zu\n", fgets(line, sizeof(line), file) == NULL ? (size_t)0 : strlen(line));
    return fclose(file) == 0 ? 0 : 1;
}
