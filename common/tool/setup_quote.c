/* SPDX-License-Identifier: MIT
 *
 * Quotes values for a shell and for systemd units. The bytes of non-ASCII characters need no escape
 * in a shell or in a unit. */
#include "tool/setup_quote.h"

#include <string.h>

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

static bool is_plain_service(const char *service)
{
    return service[strspn(service, RIA_ALNUM "_-+.,:@")] == '\0';
}

void ria_quote_service_inside(const char *service, struct ria_buf *out)
{
    if (is_plain_service(service)) {
        ria_buf_addf(out, "service=%s", service);
        return;
    }
    ria_buf_add_text(out, "service='");
    for (const char *at = service; *at != '\0'; at++) {
        if (*at == '\'' || *at == '\\') {
            ria_buf_add_text(out, "\\\\"); /* libpq's backslash, with the shell's */
        }
        if (strchr("\"$`\\", *at) != NULL) {
            ria_buf_add_char(out, '\\');
        }
        ria_buf_add_char(out, *at);
    }
    ria_buf_add_char(out, '\'');
}

void ria_quote_service(const char *service, struct ria_buf *out)
{
    const char *quote = is_plain_service(service) ? "" : "\"";
    ria_buf_add_text(out, quote);
    ria_quote_service_inside(service, out);
    ria_buf_add_text(out, quote);
}

void ria_quote_perl_service_inside(const char *service, struct ria_buf *out)
{
    RIA_AUTO(buf) info = {.max = out->max};
    ria_quote_service_inside(service, &info);
    const char *text = ria_buf_text(&info);
    out->failed = out->failed || text == NULL;
    for (const char *at = text; at != NULL && *at != '\0'; at++) {
        ria_buf_add_text(out, *at == '@' ? "\\" : "");
        ria_buf_add_char(out, *at);
    }
}

void ria_quote_url(const char *value, struct ria_buf *out)
{
    for (const char *at = value; *at != '\0'; at++) {
        if (ria_ascii_is_alnum(*at) || strchr("-._~", *at) != NULL) {
            ria_buf_add_char(out, *at);
        } else {
            ria_buf_addf(out, "%%%02X", (unsigned char)*at);
        }
    }
}
