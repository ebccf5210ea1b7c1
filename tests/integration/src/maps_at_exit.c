/* SPDX-License-Identifier: MIT
 *
 * Preloaded into a program, it copies /proc/self/maps when the program ends, into a new file of the
 * directory that MAPS_AT_EXIT names: what was mapped, and is not unmapped by then. */
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
