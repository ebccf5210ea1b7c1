/* SPDX-License-Identifier: MIT
 *
 * Lines in a buffer, each ending in a newline. */
#include "agent/lines.h"

#include <string.h>

bool ria_lines_has(const struct ria_buf *lines, const char *line)
{
    size_t len = strlen(line);
    const char *at = lines->data;
    while (at != NULL && *at != '\0') {
        const char *end = strchr(at, '\n');
        if ((size_t)(end - at) == len && memcmp(at, line, len) == 0) {
            return true;
        }
        at = end + 1;
    }
    return false;
}

void ria_lines_add(struct ria_buf *lines, const char *line)
{
    if (strlen(line) + 1 <= lines->max - lines->len && !ria_lines_has(lines, line)) {
        ria_buf_addf(lines, "%s\n", line);
    }
}
