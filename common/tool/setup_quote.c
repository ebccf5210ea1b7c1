/* SPDX-License-Identifier: MIT
 *
 * Quotes values for SQL, for a shell and for systemd units. The bytes of non-ASCII characters need
 * no escape in any of the three. */
#include "tool/setup_quote.h"

#include "tool/sql_name.h"

#include <string.h>

void ria_quote_sql(const char *name, struct ria_buf *out)
{
    bool is_plain = !ria_ascii_is_digit(*name) &&
                    strspn(name, RIA_LOWER_LETTERS RIA_DIGITS "_") == strlen(name);
    if (is_plain) {
        ria_buf_add_text(out, name);
    } else {
        ria_sql_name_add(RIA_ENGINE_POSTGRES, name, out);
    }
}

void ria_quote_shell(const char *before, const char *value, const char *after, struct ria_buf *out)
{
    ria_buf_add_text(out, before);
    for (const char *at = value; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (!ria_ascii_is_alnum(*at) && byte < 0x80 && strchr("_-+./:,@", byte) == NULL) {
            ria_buf_add_char(out, '\\');
        }
        ria_buf_add_char(out, *at);
    }
    ria_buf_add_text(out, after);
}

void ria_quote_unit(const char *before, const char *value, const char *after, struct ria_buf *out)
{
    ria_buf_add_text(out, before);
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') {
            ria_buf_add_char(out, '\\');
        } else if (*at == '%') {
            ria_buf_add_char(out, '%');
        }
        ria_buf_add_char(out, *at);
    }
    ria_buf_add_text(out, after);
}
