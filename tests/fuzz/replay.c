/* SPDX-License-Identifier: MIT
 *
 * Replays a corpus without libFuzzer: calls the target once for each file that is named on the
 * command line, and prints the number of files. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FILE_MAX = 1 << 20
};

/* Passes the target a block of exactly the file's size. */
static bool replay(const char *path, uint8_t *room)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    size_t len = fread(room, 1, FILE_MAX, file);
    bool ok = ferror(file) == 0 && feof(file) != 0;
    (void)fclose(file);
    uint8_t *exact = malloc(len == 0 ? 1 : len);
    if (!ok || exact == NULL) {
        free(exact);
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        exact[i] = room[i];
    }
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    return true;
}

int main(int argc, char **argv)
{
    uint8_t *room = malloc(FILE_MAX);
    int done = 0;
    for (int i = 1; room != NULL && i < argc; i++) {
        if (!replay(argv[i], room)) {
            (void)fprintf(stderr, "%s: cannot be read, or is larger than 1 MB\n", argv[i]);
            break;
        }
        done++;
    }
    free(room);
    (void)printf("%d files replayed\n", done);
    return done == argc - 1 ? 0 : 1;
}
