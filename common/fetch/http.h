/* SPDX-License-Identifier: MIT
 *
 * Performs one HTTP exchange with libcurl. Limits the time and the size of the body, follows no
 * redirect, and supports http and https only. Does not interpret the status and does not try again;
 * ria_fetch_send() repeats a request.
 */
#ifndef RIA_FETCH_HTTP_H
#define RIA_FETCH_HTTP_H

#include "codec/url.h"
#include "rds_iam.h"

enum {
    /* The default limit of a body in bytes: sixteen times the largest response of STS. A caller can
     * set another limit in response->body.max. A longer body is an error. */
    RIA_HTTP_BODY_MAX = 64 * 1024,
    RIA_HTTP_HEADERS_MAX = 8,
};

struct ria_http_request {
    const char *url;
    const char *method;                        /* "GET", "POST", "PUT" */
    const char *headers[RIA_HTTP_HEADERS_MAX]; /* "Name: value"; NULL ends the list */
    const struct ria_buf *body;                /* NULL: no body */
    int64_t connect_timeout;                   /* milliseconds */
    int64_t timeout;                           /* milliseconds, including the connection */
    const struct ria_buf *authorities;         /* CA certificates (PEM); NULL: the system's */
    bool is_local;                             /* a metadata service: use no proxy */
};

struct ria_http_response {
    long status;
    struct ria_buf body;
    /* The response came over https, with a Date header, and not from an HTTP cache. */
    bool has_date;
    int64_t date; /* the Date header, in seconds since 1970 */
    /* The Retry-After header, in milliseconds; 0: the response has none, or it contains a date. */
    int64_t retry_after;
};

#define RIA_HTTP_RESPONSE_INIT                                                                     \
    {                                                                                              \
        .body = {.max = RIA_HTTP_BODY_MAX }                                                        \
    }

enum ria_http_result {
    RIA_HTTP_ANSWERED, /* a response with any status */
    RIA_HTTP_NOBODY,   /* no connection: wrong name, route or port, or a timeout */
    RIA_HTTP_SILENT,   /* connected, but no response before the timeout */
    RIA_HTTP_BROKEN,   /* the connection was reset or closed early; another try may help */
    RIA_HTTP_NO_PROXY, /* the proxy cannot be resolved, or does not connect to the host */
    RIA_HTTP_UNUSABLE, /* the response is above a limit, or is not a response of the service */
    RIA_HTTP_REFUSED,  /* TLS failed, or the URL is invalid; another try would not help */
    RIA_HTTP_UNASKED,  /* not sent: no time was left, or the request could not be built */
    RIA_HTTP_RESULTS,
};

/* Returns the predicate of a message about the host, such as "did not answer", "could not be
 * reached" or "sent no usable response". */
const char *ria_http_predicate(enum ria_http_result result);

/* Returns the end of a message about a service on the network: "; check ...". In the message, this
 * end follows the predicate, a colon and the text of ria_http_send()'s error. Returns "" if that
 * text already contains a remedy. */
const char *ria_http_remedy(enum ria_http_result result);

/* Sends a request and waits for the response; blocks for at most request->timeout. Fills err if the
 * result is not ANSWERED. If the request was sent, err names the host, the port and the reason. Not
 * thread-safe. */
enum ria_http_result ria_http_send(
    const struct ria_http_request *request,
    struct ria_http_response *response,
    struct ria_error *err) RIA_MUST_USE;

/* The parts of a URL, as libcurl parses it. */
struct ria_http_place {
    char host[300]; /* the value of the Host header, with the port if the port is not the scheme's
                       default. Never printed, because libcurl may parse a part of a password as the
                       host */
    char shown[RIA_URL_SHOWN_SIZE]; /* the form for messages (codec/url.h) */
    char path[1024];                /* at least "/"; without the query */
    bool is_https;
    bool is_loopback; /* the name is "localhost", or the address is ::1 or in 127.0.0.0/8 */
    char name[256];   /* the host without port and brackets */
};

/* Parses a URL. Returns false if the text is not an http or https URL, or if a part of the URL is
 * too long. Does not resolve the host name. */
bool ria_http_place(const char *url, struct ria_http_place *out) RIA_MUST_USE;

/* Initializes libcurl. Call this function once per process, before the first exchange. Returns
 * false on failure. */
bool ria_http_set_up(void);

/* Frees the body and resets *response to RIA_HTTP_RESPONSE_INIT. */
void ria_http_response_release(struct ria_http_response *response);

#endif
