/* SPDX-License-Identifier: MIT
 *
 * Preloaded into a program. When the program exits, it copies /proc/self/maps to a new file in the
 * directory that the variable MAPS_AT_EXIT names. The copy shows the mappings that still exist at
 * that time. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((destructor)) static void copy_maps(void)
{
    const char *directory = getenv("MAPS_AT_EXIT");
    char path[4096];
    char line[4096];
    if (directory == NULL) {
        return;
    }
    (void)snprintf(path, sizeof(path), "%s/%d", directory, (int)getpid());
    FILE *from = fopen("/proc/self/maps", "re");
    FILE *to = fopen(path, "we");
    while (from != NULL && to != NULL && fgets(line, sizeof(line), from) != NULL) {
        (void)fputs(line, to);
    }
    if (from != NULL) {
        (void)fclose(from);
    }
    if (to != NULL) {
        (void)fclose(to);
    }
}
