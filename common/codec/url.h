/* SPDX-License-Identifier: MIT
 *
 * Decides which parts of a URL may be shown: the host and the port. Every other part can contain a
 * secret: a password before the host, a token in the path or in the query. Therefore a URL from a
 * setting, or a text that another program sent, is put into a message, a log or an explanation only
 * through these functions.
 *
 * The functions look nothing up, and their output decides nothing: libcurl parses the URL of each
 * request itself (fetch/http.h). They may be called from any thread.
 */
#ifndef RIA_CODEC_URL_H
#define RIA_CODEC_URL_H

#include <stdbool.h>
#include <stddef.h>

enum {
    RIA_URL_SHOWN_SIZE = 272 /* a host name of 255 characters, a port, and brackets */
};

/* Writes the "host:port" of a URL unchanged; the port only if the URL has one. Writes "[URL not
 * shown]" if it is not certain which part is the host: for a URL without a scheme, for an '@' after
 * the authority of RFC 3986 3.2 (the user may have meant a password with a slash), and for a host
 * with characters that neither host names nor addresses have. */
void ria_url_show(const char *url, char out[RIA_URL_SHOWN_SIZE]);

/* Returns "https://" or "http://" if the URL begins so, else "". */
const char *ria_url_scheme(const char *url);

/* Copies a text, and replaces each URL in it by the results of ria_url_scheme() and ria_url_show().
 * A URL ends before a blank, a quote or an angle bracket, or after the last '@' of the text if that
 * is later. Returns false if the text was cut; out then ends in "...". */
bool ria_url_show_in(const char *text, char *out, size_t size);

/* Like ria_url_show_in(), in place, for a complete message. Such a message may quote a value that
 * should not be a URL, cut at any place. A URL that consists of a host, a port and a path is not
 * changed, because rds-iam's own messages contain such URLs. */
void ria_url_clean(char *text, size_t size);

/* Writes a text that should be a host name or an address, but can be a URL by mistake. A URL is
 * written as by ria_url_show(). Of any other text, a password before an '@' is replaced
 * ("...@host"; a user name without a password is written), and everything after a slash is dropped
 * ("host/..."). */
void ria_url_show_name(const char *name, char *out, size_t size);

#endif
