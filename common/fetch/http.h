/* SPDX-License-Identifier: MIT
 *
 * One HTTP exchange by libcurl, with limits: time, size of the body, no redirect, http and https
 * alone. What a status means is the caller's business, and so is trying again.
 */
#ifndef RIA_FETCH_HTTP_H
#define RIA_FETCH_HTTP_H

#include "codec/url.h"
#include "rds_iam.h"

enum {
    /* Sixteen times the largest answer that STS gives; a body that is longer is no answer. */
    RIA_HTTP_BODY_MAX = 64 * 1024,
    RIA_HTTP_HEADERS_MAX = 8,
};

struct ria_http_request {
    const char *url;
    const char *method;                        /* "GET", "POST", "PUT" */
    const char *headers[RIA_HTTP_HEADERS_MAX]; /* "Name: value"; NULL ends them */
    const struct ria_buf *body;                /* or NULL */
    int64_t connect_timeout;                   /* milliseconds */
    int64_t timeout;                           /* of the whole */
    const struct ria_buf *authorities;         /* certificates (PEM), or NULL: the system's */
    bool is_local; /* a metadata service: no proxy, and nobody there is no fault */
};

struct ria_http_response {
    long status;
    struct ria_buf body;
    bool has_date; /* a Date header that TLS vouches for, of an answer that no cache kept */
    int64_t date;  /* seconds since 1970 */
};

#define RIA_HTTP_RESPONSE_INIT                                                                     \
    {                                                                                              \
        .body = {.max = RIA_HTTP_BODY_MAX }                                                        \
    }

enum ria_http_result {
    RIA_HTTP_ANSWERED,
    RIA_HTTP_NOBODY,   /* no connection: name, route, port */
    RIA_HTTP_SILENT,   /* a connection, and no answer in time */
    RIA_HTTP_BROKEN,   /* reset, cut off: worth another try */
    RIA_HTTP_NO_PROXY, /* the proxy does not lead there */
    RIA_HTTP_UNUSABLE, /* a body over the limit, or what is none of the service's */
    RIA_HTTP_REFUSED,  /* TLS, a URL that is none: no try would help */
    RIA_HTTP_UNASKED,  /* nothing was begun: no time was left, or it could not be made */
    RIA_HTTP_RESULTS,
};

/* What a sentence says of the host: "did not answer" only where it was asked. */
const char *ria_http_predicate(enum ria_http_result result);

/* Its end for a service on the network: "; check ...", or "" where err says what to do. */
const char *ria_http_remedy(enum ria_http_result result);

/* Sends and waits. Unless ANSWERED, err says what happened, host and port named. */
enum ria_http_result ria_http_send(
    const struct ria_http_request *request,
    struct ria_http_response *response,
    struct ria_error *err) RIA_MUST_USE;

/* Where a URL leads. */
struct ria_http_place {
    char host[300]; /* as the Host header has it: the port only if it is not the scheme's own. Never
                       printed: libcurl may take a piece of a password for it */
    char shown[RIA_URL_SHOWN_SIZE]; /* what messages print (codec/url.h) */
    char path[1024];                /* "/" at least; without a query */
    bool is_https;
    bool is_loopback; /* localhost, 127.0.0.0/8 or ::1, by name or address as written */
    char name[256];   /* the host alone, without brackets */
};

/* False for what is no http or https URL. Resolves nothing. */
bool ria_http_place(const char *url, struct ria_http_place *out) RIA_MUST_USE;

/* Once per process, before the first exchange. */
bool ria_http_set_up(void);

void ria_http_response_release(struct ria_http_response *response);

#endif
