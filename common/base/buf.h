/* SPDX-License-Identifier: MIT
 *
 * The byte buffer of this project, for text and for secrets. A buffer has a maximum size, which is
 * set when the buffer is declared. When a buffer grows or is released, its old memory is wiped. The
 * buffer remembers that an append failed, so a caller builds a whole text first and checks once.
 * These functions do no I/O. They do not interpret the bytes; codec/record.h writes binary records
 * into a buffer.
 *
 *     RIA_AUTO(buf) query = {.max = 4096};
 *     ria_buf_add_text(&query, "Action=connect&DBUser=");
 *     ria_percent_add(&query, user, strlen(user));
 *     const char *text = ria_buf_text(&query);        NULL if an append above failed
 *
 * A caller can lend an array to a buffer, usually an array on the stack, so that short contents
 * need no allocation:
 *
 *     char room[512];
 *     RIA_AUTO(buf) query = RIA_BUF_IN(room, 4096);
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
    char *data;   /* NUL-terminated if len > 0; owned, unless is_lent is set */
    size_t len;   /* bytes in use, without the NUL */
    size_t size;  /* bytes at data */
    size_t used;  /* bytes at data, from its start, that were reserved since data was wiped */
    size_t max;   /* maximum of len */
    bool failed;  /* an append exceeded max or ran out of memory; stays set until ria_buf_clear() */
    bool is_lent; /* data is an array that the caller has lent */
};

/* Initializes a buffer that stores its contents in the array `room`. If the contents do not fit,
 * the buffer moves them to allocated memory and wipes the array. The array is also wiped when the
 * buffer is released. A released buffer can be filled again. It uses the array again only if it
 * never moved its contents to allocated memory. The array must outlive the buffer. */
#define RIA_BUF_IN(room, limit)                                                                    \
    {                                                                                              \
        .data = (room), .size = sizeof(room), .max = (limit), .is_lent = true                      \
    }

/* These functions append bytes, a string, one character, a number in decimal, and a formatted text.
 * If the text would exceed max or memory runs out, they append nothing and set buf->failed. While
 * buf->failed is set, they do nothing. Do not pass a secret to ria_buf_addf(), because vsnprintf()
 * leaves parts of the secret on the stack. */
void ria_buf_add(struct ria_buf *buf, const void *bytes, size_t len);
void ria_buf_add_text(struct ria_buf *buf, const char *text);
void ria_buf_add_char(struct ria_buf *buf, char c);
void ria_buf_add_number(struct ria_buf *buf, unsigned number);
void ria_buf_addf(struct ria_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Reserves room for len more bytes and returns a pointer to the room, valid until the next append.
 * If the bytes would exceed max or memory runs out, sets buf->failed. Returns NULL if buf->failed
 * is set.
 */
char *ria_buf_reserve(struct ria_buf *buf, size_t len);

/* Adds the bytes that the caller wrote to the reserved room. len must not exceed the reserved
 * length. */
void ria_buf_grown(struct ria_buf *buf, size_t len);

/* Like ria_buf_grown(), for a caller that called ria_buf_clear() before it reserved the room, and
 * wrote only these bytes. The rest of the room is then not wiped. */
void ria_buf_filled(struct ria_buf *buf, size_t len);

/* Returns the text so far ("" if nothing was added), or NULL if buf->failed is set. The text is
 * borrowed from the buffer. */
const char *ria_buf_text(const struct ria_buf *buf);

/* Removes spaces, tabs and line ends from the end of the text: the characters of RIA_BLANKS
 * (base/ascii.h). */
void ria_buf_trim_end(struct ria_buf *buf);

/* Wipes the bytes, empties the buffer and clears buf->failed. The memory stays allocated. */
void ria_buf_clear(struct ria_buf *buf);

/* Wipes the memory, and frees it unless it is lent. Afterwards the buffer is empty and has the same
 * maximum. Accepts a zeroed buffer. */
void ria_buf_release(struct ria_buf *buf);

/* Moves the contents and `failed` of *from to *to, after releasing the old contents of *to. Leaves
 * *from empty. If *from uses a lent array, the contents are copied; sets to->failed if they exceed
 * to->max or memory runs out. Otherwise *to also gets the memory and the maximum of *from. */
void ria_buf_move(struct ria_buf *to, struct ria_buf *from);

#endif
