/* SPDX-License-Identifier: MIT
 *
 * The basis of every fuzz target: its function, checks of properties, and an input that is cut into
 * pieces. A target is one file; the comment at its top lists the properties that it checks.
 *
 * If the format is text, the input is text too, so that a developer can write and read a
 * corpus. A line of four equals signs separates two pieces.
 */
#ifndef RIA_FUZZ_H
#define RIA_FUZZ_H

#include "base/buf.h"

#include <stdint.h>

/* A secret in the corpora. Mutated inputs usually still contain the secret, so a target finds a
 * message that repeats it. */
#define FUZZ_SECRET "wJalrXUtnFEMI"

/* libFuzzer's entry point. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts the program if a property does not hold. */
#define fuzz_require(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fuzz_fail(__FILE__, __LINE__, #condition);                                             \
        }                                                                                          \
    } while (0)
__attribute__((noreturn)) void fuzz_fail(const char *file, int line, const char *condition);

/* Tells libFuzzer that the code under test has reported this text, for a library without coverage
 * counters. Each new text counts like a new branch. Digits, and the text after the first quote, are
 * ignored. */
void fuzz_note(const char *text);

struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

/* Removes and returns the first byte; returns 0 at the end. */
unsigned fuzz_byte(struct fuzz_input *input);

/* Copies the next piece to a block of exactly its size, so that the sanitizers detect a read past
 * its end. Returns false at the end of the input. *out must be zeroed. */
bool fuzz_piece(struct fuzz_input *input, struct ria_buf *out);

/* Returns how often the text occurs in the bytes, ignoring case. */
size_t fuzz_count(const void *bytes, size_t len, const char *text);

/* Returns true if both contain the same bytes. */
bool fuzz_same(const struct ria_buf *a, const struct ria_buf *b);

/* Fills a buffer with a copy of the bytes, of any length. */
void fuzz_fill(struct ria_buf *out, const void *bytes, size_t len);

#endif
