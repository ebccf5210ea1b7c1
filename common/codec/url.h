/* SPDX-License-Identifier: MIT
 *
 * Decides which parts of a URL may be shown: the scheme (http or https), the host and the port.
 * Every other part can contain a secret: a password before the host, a token in the path or in the
 * query. Therefore these functions clean every URL from a setting, and every text that another
 * program sent, before it is written to a message, a log or an explanation.
 *
 * The functions resolve no name. Their result is only shown to the user. It does not decide where a
 * request is sent, because libcurl parses the URL of each request itself (fetch/http.h). The
 * functions may be called from any thread.
 */
#ifndef RIA_CODEC_URL_H
#define RIA_CODEC_URL_H

#include <stdbool.h>
#include <stddef.h>

enum {
    RIA_URL_SHOWN_SIZE = 272 /* fits a host name of 255 characters, a port, and brackets */
};

/* Writes the "host:port" of a URL unchanged, or "host" if the URL has no port. Writes "[URL not
 * shown]" if it is not certain which part is the host, or if out has no room for the host and the
 * port. It is not certain for a URL without a scheme or without a host, for characters in the host
 * or the port that are not valid there, and for an '@' after the authority (RFC 3986 3.2). For
 * example, in https://user:12/34@host the authority is user:12, but the user may have meant the
 * password 12/34. */
void ria_url_show(const char *url, char out[RIA_URL_SHOWN_SIZE]);

/* Returns "https://" or "http://" if the URL begins with it (in lower case), else "". */
const char *ria_url_scheme(const char *url);

/* Copies a text, and replaces each URL in it by the results of ria_url_scheme() and ria_url_show().
 * A URL ends before the first space, quote or angle bracket. But if the text contains an '@' after
 * this character, the character may belong to a password. In this case everything up to the last
 * '@' of the text, and the rest of the word after that '@', counts as part of the URL. Returns
 * false if the text was cut; in this case out ends in "...". */
bool ria_url_show_in(const char *text, char *out, size_t size);

/* Like ria_url_show_in(), but changes the text itself, which is a complete message. The message may
 * quote a wrong value, and this value may be a URL that was cut at any position. A URL that
 * consists only of a host, a port and a path is not changed, because rds-iam's own messages contain
 * such URLs. */
void ria_url_clean(char *text, size_t size);

/* Writes a text that should be a host name or an address, but can be a URL by mistake. A URL is
 * written as by ria_url_show_in(). In any other text, USER:PASSWORD before an '@' becomes "...@",
 * and a user name without a password is written unchanged. Everything from the first of / ? # \ on
 * becomes "/..." ("host/..."). A text with an '@' after one of these characters becomes "[URL not
 * shown]". */
void ria_url_show_name(const char *name, char *out, size_t size);

#endif
