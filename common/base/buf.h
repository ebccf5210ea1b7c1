/* SPDX-License-Identifier: MIT
 *
 * The byte buffer of this project, for text and for secrets. It has a maximum size, set when it is
 * declared. Its memory is wiped when it grows and when it is released. It remembers a failed
 * append, so a caller builds a whole text first and checks once. It does no I/O, and is not for
 * structured binary records.
 *
 *     RIA_AUTO(buf) query = {.max = 4096};
 *     ria_buf_add_text(&query, "Action=connect&DBUser=");
 *     ria_percent_add(&query, user, strlen(user));
 *     const char *text = ria_buf_text(&query);        NULL if an append above failed
 *
 * One thread at a time may use a buffer. {0} with a .max is a valid empty buffer.
 */
#ifndef RIA_BASE_BUF_H
#define RIA_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

/* Declares a struct ria_<type> that is released when its scope ends, on every path. */
#define RIA_AUTO(type) __attribute__((cleanup(ria_##type##_release))) struct ria_##type

struct ria_buf {
    char *data;  /* NUL-terminated when not NULL; owned */
    size_t len;  /* bytes in use, without the NUL */
    size_t size; /* bytes allocated */
    size_t max;  /* maximum of len */
    bool failed; /* an append exceeded max or ran out of memory; stays set until ria_buf_clear() */
};

/* Append bytes, a string, one character, a number in decimal, or a formatted text. After a failed
 * append these functions do nothing. Do not pass a secret to ria_buf_addf(): vsnprintf() leaves
 * parts of it on the stack. */
void ria_buf_add(struct ria_buf *buf, const void *bytes, size_t len);
void ria_buf_add_text(struct ria_buf *buf, const char *text);
void ria_buf_add_char(struct ria_buf *buf, char c);
void ria_buf_add_number(struct ria_buf *buf, unsigned number);
void ria_buf_addf(struct ria_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Reserves room for len more bytes and returns a pointer to it, valid until the next append. The
 * caller writes there and passes the number of bytes written to ria_buf_grown(). Returns NULL after
 * a failed append. */
char *ria_buf_reserve(struct ria_buf *buf, size_t len);
void ria_buf_grown(struct ria_buf *buf, size_t len);

/* Returns the text so far ("" if nothing was added), or NULL if an append has failed. Borrowed from
 * the buffer. */
const char *ria_buf_text(const struct ria_buf *buf);

/* Removes blanks and line ends (RIA_BLANKS) from the end. */
void ria_buf_trim_end(struct ria_buf *buf);

/* Wipes the bytes and empties the buffer. Keeps the memory, and clears a failure. */
void ria_buf_clear(struct ria_buf *buf);

/* Wipes and frees the memory. The buffer is then empty, with the same maximum. Accepts a zeroed
 * buffer. */
void ria_buf_release(struct ria_buf *buf);

/* Moves the contents of *from to *to, after releasing the old contents of *to. *from is then empty.
 */
void ria_buf_move(struct ria_buf *to, struct ria_buf *from);

#endif
