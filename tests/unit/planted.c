/* SPDX-License-Identifier: MIT
 *
 * One defect of each kind that the sanitizers must find, chosen by name. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Leaks many blocks: a pointer to the last block may remain on the stack, and that block is then
 * not reported. */
static void leak(volatile int size)
{
    for (int i = 0; i < 100; i++) {
        char *volatile lost = malloc((size_t)size);
        (void)lost;
    }
}

/* The pointer is volatile to hide the size of the block from the compiler. Otherwise the undefined
 * behaviour sanitizer of gcc 14 would report the write first, under another name. */
static void overflow(volatile int size)
{
    volatile char *volatile block = malloc((size_t)size);
    if (block != NULL) {
        block[size] = 1;
    }
    free((void *)(size_t)block);
}

static void undefined(volatile int size)
{
    volatile int sum = INT_MAX;
    sum = sum + size;
    (void)sum;
}

static void nothing(volatile int size)
{
    (void)size;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(volatile int size);
    } defects[] = {
        {"leak", leak}, {"overflow", overflow}, {"undefined", undefined}, {"nothing", nothing}};
    for (size_t i = 0; argc == 2 && i < sizeof(defects) / sizeof(defects[0]); i++) {
        if (strcmp(argv[1], defects[i].name) == 0) {
            defects[i].run(77);
            return 0;
        }
    }
    (void)fputs("usage: planted leak|overflow|undefined|nothing\n", stderr);
    return 2;
}
