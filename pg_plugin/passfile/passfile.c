/* SPDX-License-Identifier: MIT
 *
 * Writes passfile lines. */
#include "passfile/passfile.h"

#include <string.h>

static void add_field(struct ria_buf *out, const char *text)
{
    /* A field that is a lone * matches everything; escaped it is the character. */
    if (strcmp(text, "*") == 0) {
        ria_buf_add_char(out, '\\');
    }
    while (*text != '\0') {
        size_t len = strcspn(text, ":\\");
        ria_buf_add(out, text, len);
        text += len;
        if (*text != '\0') {
            ria_buf_add_char(out, '\\');
            ria_buf_add_char(out, *text++);
        }
    }
}

void ria_passfile_add(struct ria_buf *out, const struct ria_passfile_line *line)
{
    add_field(out, line->host);
    ria_buf_add_char(out, ':');
    add_field(out, line->port);
    ria_buf_add_text(out, ":*:");
    add_field(out, line->user);
    ria_buf_add_char(out, ':');
    add_field(out, line->password);
    ria_buf_add_char(out, '\n');
}
