/* SPDX-License-Identifier: MIT
 *
 * Parses URLs with libcurl, so that the host that is checked is the host that libcurl connects to.
 * Rejects every scheme except http and https, and parts that are too long. */
#include "fetch/http.h"

#include "base/ascii.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

static bool get_part(CURLU *url, CURLUPart part, unsigned flags, char *out, size_t size)
{
    char *text = NULL;
    bool ok = curl_url_get(url, part, &text, flags) == CURLUE_OK && strlen(text) < size;
    if (ok) {
        memcpy(out, text, strlen(text) + 1);
    }
    curl_free(text);
    return ok;
}

static bool is_loopback(const char *name)
{
    struct in_addr four;
    struct in6_addr six;
    if (ria_ascii_same(name, "localhost")) {
        return true;
    }
    if (inet_pton(AF_INET, name, &four) == 1) {
        return (ntohl(four.s_addr) >> 24) == 127;
    }
    return inet_pton(AF_INET6, name, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

/* Copies a host without the brackets of an IPv6 address. */
static void copy_unbracketed(const char *host, char *out, size_t size)
{
    size_t len = strlen(host);
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    (void)snprintf(out, size, "%.*s", (int)len, host);
}

static bool read_parts(CURLU *parts, struct ria_http_place *out)
{
    struct ria_http_place place = {0};
    char scheme[16];
    char host[256];
    char port[8];
    if (!get_part(parts, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) ||
        !get_part(parts, CURLUPART_HOST, 0, host, sizeof(host)) ||
        !get_part(parts, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port)) ||
        !get_part(parts, CURLUPART_PATH, 0, place.path, sizeof(place.path))) {
        return false;
    }
    place.is_https = strcmp(scheme, "https") == 0;
    if (!place.is_https && strcmp(scheme, "http") != 0) {
        return false;
    }
    bool is_default = strcmp(port, place.is_https ? "443" : "80") == 0;
    (void)snprintf(
        place.host,
        sizeof(place.host),
        "%s%s%s",
        host,
        is_default ? "" : ":",
        is_default ? "" : port);
    copy_unbracketed(host, place.name, sizeof(place.name));
    place.is_loopback = is_loopback(place.name);
    *out = place;
    return true;
}

bool ria_http_place(const char *url, struct ria_http_place *out)
{
    CURLU *parts = curl_url();
    bool ok = parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
              read_parts(parts, out);
    if (ok) {
        ria_url_show(url, out->shown);
    }
    curl_url_cleanup(parts);
    return ok;
}
