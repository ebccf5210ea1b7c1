/* SPDX-License-Identifier: MIT
 *
 * What may be printed of a URL: host and port. A URL can hold a secret anywhere else: a password in
 * front of the host, a token in its path or its query. So no URL of a setting, and no text that
 * another program sent, goes into a message, a log or an explanation but through these functions.
 * Nothing is looked up, and nothing is decided by what they write: requests go where libcurl reads
 * that they go (fetch/http.h). For any thread.
 */
#ifndef RIA_CODEC_URL_H
#define RIA_CODEC_URL_H

#include <stdbool.h>
#include <stddef.h>

enum {
    RIA_URL_SHOWN_SIZE = 272 /* a host name of 255 characters, a port, and their brackets */
};

/* Writes "host:port" of a URL as it is written there, the port only if there is one. Writes
 * "[URL not shown]" for every text of which it is not certain where its host is: no scheme, an '@'
 * behind the part that RFC 3986 3.2 takes for the authority (the user may have meant a password
 * with a slash), or a host with other characters than host names and addresses have. */
void ria_url_show(const char *url, char out[RIA_URL_SHOWN_SIZE]);

/* "https://" or "http://" for a URL that begins so, else "". */
const char *ria_url_scheme(const char *url);

/* Copies a text of which each URL is replaced by what ria_url_scheme() and ria_url_show()
 * give of it. A URL ends at a blank, a quote or an angle bracket, or behind the last '@'
 * of the text if that is later. False if the text was cut; out ends in "..." then. */
bool ria_url_show_in(const char *text, char *out, size_t size);

/* Does the same in a message that is made already, which may quote a value that should be no URL,
 * cut at any place. A URL of a host, a port and a path stays as it is: such ones are our own. */
void ria_url_clean(char *text, size_t size);

/* For a text that should be a host name or an address, and that can be a URL by mistake: shows a
 * URL as above, and of any other text no password in front of an '@' ("...@host"; a user name
 * without one is shown) and nothing behind a slash ("host/..."). */
void ria_url_show_name(const char *name, char *out, size_t size);

#endif
