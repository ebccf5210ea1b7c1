/* SPDX-License-Identifier: MIT
 *
 * Implements the buffer. To grow, it allocates a larger block, copies the bytes, and wipes the old
 * memory. It then frees that memory, unless the caller lent it. Wipes only bytes that were
 * reserved, because the other bytes were never written. realloc() is not used, because it can leave
 * a copy of the bytes in freed memory. Refuses bytes that would exceed the maximum. */
#include "base/buf.h"

#include "base/ascii.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_SIZE = 128
};

/* Moves the bytes to a larger block, and wipes the old block. Returns false if memory runs out. */
static bool buf_grow(struct ria_buf *buf, size_t need)
{
    size_t size = buf->size == 0 ? FIRST_SIZE : buf->size;
    while (size < need) {
        size *= 2;
    }
    char *data = malloc(size);
    if (data == NULL) {
        return false;
    }
    if (buf->data != NULL) {
        memcpy(data, buf->data, buf->len);
        explicit_bzero(buf->data, buf->used);
        free(buf->is_lent ? NULL : buf->data);
    }
    buf->data = data;
    buf->size = size;
    buf->is_lent = false;
    buf->data[buf->len] = '\0';
    return true;
}

char *ria_buf_reserve(struct ria_buf *buf, size_t len)
{
    if (buf->failed) {
        return NULL;
    }
    /* len > buf->max is checked first, so that the subtraction cannot wrap. */
    if (len > buf->max || buf->len > buf->max - len) {
        buf->failed = true;
        return NULL;
    }
    size_t need = buf->len + len + 1;
    if (need > buf->size && !buf_grow(buf, need)) {
        buf->failed = true;
        return NULL;
    }
    buf->used = need > buf->used ? need : buf->used;
    return buf->data + buf->len;
}

void ria_buf_grown(struct ria_buf *buf, size_t len)
{
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void ria_buf_filled(struct ria_buf *buf, size_t len)
{
    ria_buf_grown(buf, len);
    buf->used = buf->len + 1;
}

void ria_buf_add(struct ria_buf *buf, const void *bytes, size_t len)
{
    char *room = ria_buf_reserve(buf, len);
    if (room != NULL && len > 0) {
        memcpy(room, bytes, len);
        ria_buf_grown(buf, len);
    }
}

void ria_buf_add_text(struct ria_buf *buf, const char *text)
{
    ria_buf_add(buf, text, strlen(text));
}

void ria_buf_add_char(struct ria_buf *buf, char c)
{
    ria_buf_add(buf, &c, 1);
}

void ria_buf_add_number(struct ria_buf *buf, unsigned number)
{
    char digits[3 * sizeof(number)];
    const char *end = ria_text_put_number(digits, number);
    ria_buf_add(buf, digits, (size_t)(end - digits));
}

void ria_buf_addf(struct ria_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *room = len < 0 ? NULL : ria_buf_reserve(buf, (size_t)len);
    if (room == NULL) {
        buf->failed = true;
        return;
    }
    va_start(args, format);
    (void)vsnprintf(room, (size_t)len + 1, format, args);
    va_end(args);
    ria_buf_grown(buf, (size_t)len);
}

const char *ria_buf_text(const struct ria_buf *buf)
{
    if (buf->failed) {
        return NULL;
    }
    return buf->len == 0 ? "" : buf->data;
}

void ria_buf_trim_end(struct ria_buf *buf)
{
    while (buf->len > 0 && strchr(RIA_BLANKS, buf->data[buf->len - 1]) != NULL) {
        buf->data[--buf->len] = '\0';
    }
}

void ria_buf_clear(struct ria_buf *buf)
{
    if (buf->data != NULL) {
        explicit_bzero(buf->data, buf->used);
    }
    buf->used = 0;
    buf->len = 0;
    buf->failed = false;
}

void ria_buf_release(struct ria_buf *buf)
{
    ria_buf_clear(buf);
    if (!buf->is_lent) {
        free(buf->data);
        *buf = (struct ria_buf){.max = buf->max};
    }
}

void ria_buf_move(struct ria_buf *to, struct ria_buf *from)
{
    ria_buf_release(to);
    if (from->is_lent) {
        to->failed = from->failed;
        ria_buf_add(to, from->data, from->len);
        ria_buf_clear(from);
        return;
    }
    *to = *from;
    *from = (struct ria_buf){.max = to->max};
}
