/* SPDX-License-Identifier: MIT
 *
 * Prints how many bytes the first line of a file has, or why it cannot be opened. Linked statically
 * it is a program that no preload reaches. */
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
