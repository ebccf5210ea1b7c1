/* SPDX-License-Identifier: MIT
 *
 * What every fuzz target starts with: its one function, properties that must hold, and an input
 * that is cut into pieces. A target is one file; what it asserts stands at its top.
 *
 * Inputs are texts where the format is one, so that a corpus can be written and read by people:
 * pieces are separated by a line of four equals signs.
 */
#ifndef RIA_FUZZ_H
#define RIA_FUZZ_H

#include "base/buf.h"

#include <stdint.h>

/* A secret that corpora hold. Mutated inputs go on holding it, so a text that repeats it is found.
 */
#define FUZZ_SECRET "wJalrXUtnFEMI"

/* libFuzzer's entry point. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program where a property does not hold. */
#define fuzz_require(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fuzz_fail(__FILE__, __LINE__, #condition);                                             \
        }                                                                                          \
    } while (0)
__attribute__((noreturn)) void fuzz_fail(const char *file, int line, const char *condition);

struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

/* The first byte, taken off; 0 at the end. */
unsigned fuzz_byte(struct fuzz_input *input);

/* The next piece, in a buffer of its own size, so that a read behind its end is seen. False at the
 * end. *out must be zeroed. */
bool fuzz_piece(struct fuzz_input *input, struct ria_buf *out);

/* How often the text stands in the bytes, letters compared without case. */
size_t fuzz_count(const void *bytes, size_t len, const char *text);

/* Both hold the same bytes. */
bool fuzz_same(const struct ria_buf *a, const struct ria_buf *b);

/* Fills a buffer of any size from bytes. */
void fuzz_fill(struct ria_buf *out, const void *bytes, size_t len);

#endif
