/* SPDX-License-Identifier: MIT
 *
 * Finds the authority of a URL by RFC 3986 3.2, and writes its host and port. If it is not certain
 * which part is the host, writes a fixed text instead, because a URL with a typing error may
 * contain a secret in an unusual place. Writes the fixed text for a URL without a scheme, and for
 * an '@' after the authority. Also writes it if the part of the authority after its last '@' (or
 * the whole authority, if it has no '@') is empty, is too long, or contains characters that hosts
 * and ports cannot have, such as a space or a percent escape.
 */
#include "codec/url.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "base/text.h"

#include <string.h>

static const char not_shown[] = "[URL not shown]";
static const char separator[] = "://";

/* Returns whether the first len bytes are a scheme by RFC 3986 3.1. */
static bool is_scheme(const char *text, size_t len)
{
    return len > 0 && strspn(text, RIA_LETTERS) > 0 && strspn(text, RIA_ALNUM "+-.") >= len;
}

/* Returns the length of a host name, an IPv4 address, or an IPv6 address in brackets; 0 for
 * anything else. */
static size_t host_len(const char *text, size_t len)
{
    if (len == 0 || text[0] != '[') {
        size_t name = strspn(text, RIA_ALNUM "-._");
        return name < len ? name : len;
    }
    size_t address = strspn(text + 1, RIA_HEX_DIGITS "ABCDEF:.");
    return address > 0 && address + 1 < len && text[address + 1] == ']' ? address + 2 : 0;
}

/* Returns whether the text is empty, or a colon and up to five digits. */
static bool is_port(const char *text, size_t len)
{
    return len == 0 || (text[0] == ':' && len <= sizeof(":65535") - 1 &&
                        strspn(text + 1, RIA_DIGITS) >= len - 1);
}

/* Writes the host and port of an authority. `text` is the part of a URL after "://". Returns false
 * if it is not certain which part is the host. */
static bool show_authority(const char *text, char out[RIA_URL_SHOWN_SIZE])
{
    size_t len = strcspn(text, "/?#\\");
    const char *host = text + len;
    while (host > text && host[-1] != '@') {
        host--;
    }
    len -= (size_t)(host - text);
    size_t name = host_len(host, len);
    if (strchr(host, '@') != NULL || name == 0 || !is_port(host + name, len - name) ||
        len >= RIA_URL_SHOWN_SIZE) {
        return false;
    }
    memcpy(out, host, len);
    out[len] = '\0';
    return true;
}

void ria_url_show(const char *url, char out[RIA_URL_SHOWN_SIZE])
{
    const char *end = strstr(url, separator);
    if (end == NULL || !is_scheme(url, (size_t)(end - url)) ||
        !show_authority(end + sizeof(separator) - 1, out)) {
        memcpy(out, not_shown, sizeof(not_shown));
    }
}

const char *ria_url_scheme(const char *url)
{
    static const char *const schemes[] = {"https://", "http://"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0) {
            return schemes[i];
        }
    }
    return "";
}

void ria_url_show_name(const char *name, char *out, size_t size)
{
    char shown[RIA_URL_SHOWN_SIZE];
    const char *at = strrchr(name, '@');
    const char *host = at == NULL ? name : at + 1;
    size_t len = strcspn(host, "/?#\\");
    if (strstr(name, separator) != NULL) {
        ria_url_show(name, shown);
        (void)ria_text_format(out, size, "%s%s", ria_url_scheme(name), shown);
    } else if (host != name && strcspn(name, "/?#\\") < (size_t)(host - name)) {
        (void)ria_text_copy(out, size, not_shown);
    } else {
        bool has_password = memchr(name, ':', (size_t)(host - name)) != NULL;
        const char *start = has_password ? host : name;
        (void)ria_text_format(
            out,
            size,
            "%s%.*s%s",
            has_password ? "...@" : "",
            (int)(host + len - start),
            start,
            host[len] == '\0' ? "" : "/...");
    }
}

/* -- a text with URLs in it ------------------------------------------------------------------ */

/* Returns the start of the scheme that ends at `end`. */
static const char *scheme_start(const char *text, const char *end)
{
    while (end > text && strchr(RIA_ALNUM "+-.", end[-1]) != NULL) {
        end--;
    }
    return end;
}

static const char word_end[] = " \t\r\n\"'<>`";

/* Returns the end of a URL. Punctuation at the end does not count as part of the URL, because it
 * belongs to the sentence around the URL. */
static const char *url_end(const char *authority)
{
    const char *end = authority + strcspn(authority, word_end);
    const char *at = strrchr(authority, '@');
    if (at != NULL && at > end) {
        end = at + strcspn(at, word_end);
    }
    while (end > authority && strchr(".,;:!?)}", end[-1]) != NULL) {
        end--;
    }
    return end;
}

/* Appends the part of a URL that may be shown. Works on a copy, so that ria_url_show() stops at the
 * URL's end. */
static void add_shown(struct ria_buf *out, const char *start, const char *end)
{
    char shown[RIA_URL_SHOWN_SIZE];
    RIA_AUTO(buf) url = {.max = (size_t)(end - start)};
    ria_buf_add(&url, start, (size_t)(end - start));
    const char *text = ria_buf_text(&url);
    ria_url_show(text == NULL ? "" : text, shown);
    ria_buf_add_text(out, ria_url_scheme(start));
    ria_buf_add_text(out, shown);
}

/* Returns whether the URL consists only of a host, an optional port, and a path. A URL of this form
 * contains no password and no query. */
static bool url_is_plain(const char *authority, const char *end)
{
    size_t len = (size_t)(end - authority);
    size_t host = host_len(authority, len);
    size_t name = strcspn(authority, "/");
    name = name < len ? name : len;
    return host > 0 && is_port(authority + host, name - host) &&
           strcspn(authority, "@?#%\\") >= len;
}

/* Returns whether the URL was already replaced by "[URL not shown]" in an earlier call. */
static bool url_is_replaced(const char *authority)
{
    return strncmp(authority, not_shown, sizeof(not_shown) - 1) == 0;
}

/* Copies a text and replaces its URLs. If keeps_plain is set, a plain URL (url_is_plain()) and an
 * earlier replacement stay unchanged. Returns false if the text was cut. */
static bool show_in(const char *text, bool keeps_plain, char *out, size_t size)
{
    RIA_AUTO(buf) copy = {.max = strlen(text) + (strlen(text) * sizeof(not_shown))};
    const char *found = NULL;
    while ((found = strstr(text, separator)) != NULL) {
        const char *authority = found + sizeof(separator) - 1;
        const char *start = scheme_start(text, found);
        bool is_done = keeps_plain && url_is_replaced(authority);
        size_t len = is_done ? sizeof(not_shown) - 1 : strcspn(authority, word_end);
        const char *end = authority + len;
        if (is_done || (keeps_plain && url_is_plain(authority, end))) {
            ria_buf_add(&copy, text, (size_t)(end - text));
        } else {
            end = url_end(authority);
            ria_buf_add(&copy, text, (size_t)(start - text));
            add_shown(&copy, start, end);
        }
        text = end;
    }
    ria_buf_add_text(&copy, text);
    const char *whole = ria_buf_text(&copy);
    return ria_text_copy(out, size, whole == NULL ? not_shown : whole);
}

bool ria_url_show_in(const char *text, char *out, size_t size)
{
    return show_in(text, false, out, size);
}

void ria_url_clean(char *text, size_t size)
{
    if (strstr(text, separator) != NULL) {
        (void)show_in(text, true, text, size);
    }
}
