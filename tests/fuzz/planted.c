/* SPDX-License-Identifier: MIT
 *
 * Not a target: a program with planted defects. It shows that a replay detects defects. The first
 * letter of the input selects one. */
#include "fuzz.h"

#include <limits.h>
#include <stdlib.h>

static void overrun(const uint8_t *data, size_t size)
{
    volatile uint8_t behind = data[size];
    (void)behind;
}

static void leak(void)
{
    for (int i = 0; i < 100; i++) {
        char *volatile lost = malloc(77);
        (void)lost;
    }
}

static void overflow(size_t size)
{
    volatile int sum = INT_MAX;
    sum = sum + (int)size;
    (void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    switch (size == 0 ? 0 : *data) {
    case 'o':
        overrun(data, size);
        break;
    case 'l':
        leak();
        break;
    case 'u':
        overflow(size);
        break;
    case 'p':
        fuzz_require(size == 0);
        break;
    default:
        break;
    }
    return 0;
}
