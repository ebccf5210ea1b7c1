/* SPDX-License-Identifier: MIT
 *
 * Cuts inputs into pieces, and aborts the run when a property does not hold. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void fuzz_fail(const char *file, int line, const char *condition)
{
    (void)fprintf(stderr, "%s:%d: a property does not hold: %s\n", file, line, condition);
    abort();
}

/* libFuzzer finds the counters by the name of their section. */
__attribute__((section("__libfuzzer_extra_counters"), used)) static uint8_t notes[4096];

void fuzz_note(const char *text)
{
    uint32_t hash = 2166136261U;
    for (; *text != '\0' && *text != '"'; text++) {
        bool is_digit = *text >= '0' && *text <= '9';
        hash = is_digit ? hash : (hash ^ (unsigned char)*text) * 16777619U;
    }
    notes[hash % sizeof(notes)] = 1;
}

unsigned fuzz_byte(struct fuzz_input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

bool fuzz_piece(struct fuzz_input *input, struct ria_buf *out)
{
    static const char separator[] = "====\n";
    if (input->at == NULL) {
        return false;
    }
    const uint8_t *end =
        input->left == 0 ? NULL : memmem(input->at, input->left, separator, sizeof(separator) - 1);
    size_t len = end == NULL ? input->left : (size_t)(end - input->at);
    fuzz_fill(out, input->at, len);
    input->at = end == NULL ? NULL : end + sizeof(separator) - 1;
    input->left -= end == NULL ? len : len + sizeof(separator) - 1;
    return true;
}

size_t fuzz_count(const void *bytes, size_t len, const char *text)
{
    const char *at = bytes;
    size_t text_len = strlen(text);
    size_t count = 0;
    for (size_t i = 0; text_len > 0 && i + text_len <= len; i++) {
        count += strncasecmp(at + i, text, text_len) == 0 ? 1 : 0;
    }
    return count;
}

bool fuzz_same(const struct ria_buf *a, const struct ria_buf *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* Allocates exactly the bytes and a NUL. */
void fuzz_fill(struct ria_buf *out, const void *bytes, size_t len)
{
    *out = (struct ria_buf){.data = malloc(len + 1), .len = len, .size = len + 1, .max = len};
    if (out->data == NULL) {
        abort();
    }
    if (len > 0) {
        memcpy(out->data, bytes, len);
    }
    out->data[len] = '\0';
}
