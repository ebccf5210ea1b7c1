/* SPDX-License-Identifier: MIT
 *
 * The one byte buffer, for text and for secrets alike: it has a maximum from birth, is wiped when
 * it grows and when it is released, and remembers a failure, so that a text is built first and
 * checked once. It does no I/O. Not for binary records with structure.
 *
 *     RIA_AUTO(buf) query = {.max = 4096};
 *     ria_buf_add_text(&query, "Action=connect&DBUser=");
 *     ria_percent_add(&query, user, strlen(user));
 *     const char *text = ria_buf_text(&query);        NULL if anything above failed
 *
 * A buffer belongs to one thread at a time. {0} with a .max is a valid empty buffer.
 */
#ifndef RIA_BASE_BUF_H
#define RIA_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

/* Declares a struct ria_<type> that is released at every way out of its scope. */
#define RIA_AUTO(type) __attribute__((cleanup(ria_##type##_release))) struct ria_##type

struct ria_buf {
    char *data;  /* NUL-terminated when not NULL; owned */
    size_t len;  /* bytes in use, without the NUL */
    size_t size; /* bytes allocated */
    size_t max;  /* most bytes that it may ever hold, without the NUL */
    bool failed; /* an append went over max or found no memory; sticky */
};

/* Append bytes, a string, one character, a number in decimal, a formatted text. After a failure
 * they do nothing. No secret goes through ria_buf_addf(): vsnprintf() leaves pieces of it on the
 * stack. */
void ria_buf_add(struct ria_buf *buf, const void *bytes, size_t len);
void ria_buf_add_text(struct ria_buf *buf, const char *text);
void ria_buf_add_char(struct ria_buf *buf, char c);
void ria_buf_add_number(struct ria_buf *buf, unsigned number);
void ria_buf_addf(struct ria_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Makes room for len more bytes and returns where they go; the caller then calls ria_buf_grown()
 * with how many it wrote. NULL after a failure. The pointer lives until the next append. */
char *ria_buf_reserve(struct ria_buf *buf, size_t len);
void ria_buf_grown(struct ria_buf *buf, size_t len);

/* The text so far ("" if nothing was added), or NULL if any append failed. */
const char *ria_buf_text(const struct ria_buf *buf);

/* Takes blanks and line ends (RIA_BLANKS) off the end. */
void ria_buf_trim_end(struct ria_buf *buf);

/* Wipes the bytes and makes the buffer empty; keeps the memory, and clears a failure. */
void ria_buf_clear(struct ria_buf *buf);

/* Wipes, frees, leaves an empty buffer with the same maximum. Accepts a zeroed buffer. */
void ria_buf_release(struct ria_buf *buf);

/* Moves the contents of *from into *to, releasing what *to held; *from is empty after it. */
void ria_buf_move(struct ria_buf *to, struct ria_buf *from);

#endif
