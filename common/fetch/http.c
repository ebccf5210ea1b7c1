/* SPDX-License-Identifier: MIT
 *
 * Performs HTTP exchanges with libcurl. All exchanges share connections, so that an open one is
 * reused. Each exchange has its own easy handle: up to release 7.88.1, an easy handle that is used
 * again keeps a pointer to a freed header, and writes to it if a response begins with the
 * continuation of a header. Follows no redirect. Rejects protocols other than http and https, a
 * body above the limit of response->body (64 KB by default), and headers and trailers above 64 KB.
 * libcurl itself has no limit for trailers, and old releases have none for headers. */
#include "fetch/http.h"

#include "base/ascii.h"
#include "base/messages.h"
#include "fetch/wiped.h"

#include <curl/curl.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

static CURLSH *share; /* rds-iam-fetch has one thread and sends one request at a time */

bool ria_http_set_up(void)
{
    static const curl_lock_data kept[] = {
        CURL_LOCK_DATA_CONNECT, CURL_LOCK_DATA_DNS, CURL_LOCK_DATA_SSL_SESSION};
    if (curl_global_init_mem(
            CURL_GLOBAL_DEFAULT,
            ria_wiped_malloc,
            ria_wiped_free,
            ria_wiped_realloc,
            ria_wiped_strdup,
            ria_wiped_calloc) != CURLE_OK) {
        return false;
    }
    share = curl_share_init();
    bool is_set = share != NULL;
    for (size_t i = 0; is_set && i < sizeof(kept) / sizeof(kept[0]); i++) {
        is_set = curl_share_setopt(share, CURLSHOPT_SHARE, kept[i]) == CURLSHE_OK;
    }
    return is_set;
}

/* -- the response --------------------------------------------------------------------------- */

enum {
    HEADERS_MAX = 64 * 1024, /* bytes; of all header lines of a response, trailers included */
    DAY_SECONDS = 24 * 3600,
};

struct transfer {
    CURL *handle;
    struct ria_http_response *response;
    size_t header_bytes;
    bool is_over_limit;
    bool was_cached;              /* the response has an Age header, so its Date is old */
    const char *option;           /* the last option that was set */
    CURLcode option_error;        /* what libcurl returned for that option */
    char detail[CURL_ERROR_SIZE]; /* libcurl's description of an error; never shown, because it may
                                     contain a part of a URL */
};

static size_t append_body(char *bytes, size_t size, size_t count, void *self)
{
    struct transfer *transfer = self;
    size_t len = size * count;
    size_t used = transfer->response->body.len;
    ria_buf_add(&transfer->response->body, bytes, len);
    if (transfer->response->body.failed) {
        transfer->is_over_limit = len > transfer->response->body.max - used;
        return 0;
    }
    return len;
}

/* Parses the number of seconds in a header. Returns milliseconds, or 0 if the value is not such a
 * number. More than a day counts as a day. */
static int64_t parse_seconds(const char *value)
{
    int64_t seconds = 0;
    value += strspn(value, " \t");
    size_t digits = strspn(value, RIA_DIGITS);
    if (digits == 0 || value[digits + strspn(value + digits, " \t\r\n")] != '\0') {
        return 0;
    }
    for (size_t i = 0; i < digits && seconds < DAY_SECONDS; i++) {
        seconds = seconds * 10 + (value[i] - '0');
    }
    return (seconds < DAY_SECONDS ? seconds : DAY_SECONDS) * 1000;
}

static size_t parse_header(char *bytes, size_t size, size_t count, void *self)
{
    struct transfer *transfer = self;
    size_t len = size * count;
    char line[128];
    transfer->header_bytes += len;
    if (transfer->header_bytes > HEADERS_MAX) {
        transfer->is_over_limit = true;
        return 0;
    }
    if (len < sizeof(line)) {
        memcpy(line, bytes, len);
        line[len] = '\0';
        if (ria_ascii_begins(line, "Date:")) {
            transfer->response->date = curl_getdate(line + 5, NULL);
            transfer->response->has_date = transfer->response->date > 0;
        } else if (ria_ascii_begins(line, "Retry-After:")) {
            transfer->response->retry_after = parse_seconds(line + strlen("Retry-After:"));
        } else if (ria_ascii_begins(line, "Age:")) {
            transfer->was_cached = true;
        }
    }
    return len;
}

/* -- certificates --------------------------------------------------------------------------- */

/* Returns whether the directory is indexed by certificate hash. A lookup in such a directory takes
 * some tenths of a millisecond; reading the system's bundle takes 20 ms. */
static bool is_hashed(const char *directory)
{
    DIR *entries = opendir(directory);
    bool found = false;
    const struct dirent *entry = NULL;
    while (entries != NULL && !found && (entry = readdir(entries)) != NULL) {
        size_t len = strlen(entry->d_name);
        found = len == 10 && strcmp(entry->d_name + len - 2, ".0") == 0;
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
    return found;
}

/* If libcurl rejects an option, for example because memory ran out, libcurl keeps the option's
 * default. A request must not be sent with a default: for example, the request could then go to a
 * proxy. */
#define IS_SET(name, value)                                                                        \
    (transfer->option = #name,                                                                     \
     transfer->option_error = curl_easy_setopt(transfer->handle, name, value),                     \
     transfer->option_error == CURLE_OK)

static bool set_authorities(struct transfer *transfer, const struct ria_buf *bundle)
{
    static const char directory[] = "/etc/ssl/certs";
    if (bundle != NULL) {
        struct curl_blob blob = {
            .data = bundle->data, .len = bundle->len, .flags = CURL_BLOB_NOCOPY};
        return IS_SET(CURLOPT_CAINFO_BLOB, &blob) && IS_SET(CURLOPT_CAPATH, NULL);
    }
    return !is_hashed(directory) ||
           (IS_SET(CURLOPT_CAINFO, NULL) && IS_SET(CURLOPT_CAPATH, directory));
}

/* -- the exchange --------------------------------------------------------------------------- */

static struct curl_slist *header_list(const struct ria_http_request *request)
{
    /* For a large body, libcurl would add "Expect: 100-continue" and wait up to one second for the
     * server's consent before it sends the body. The entry "Expect:" without a value removes that
     * header. */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; list != NULL && i < RIA_HTTP_HEADERS_MAX && request->headers[i] != NULL;
         i++) {
        struct curl_slist *longer = curl_slist_append(list, request->headers[i]);
        if (longer == NULL) {
            curl_slist_free_all(list);
        }
        list = longer;
    }
    return list;
}

static bool set_headers(struct transfer *transfer, struct curl_slist *headers)
{
    return IS_SET(CURLOPT_HTTPHEADER, headers);
}

static bool set_body(struct transfer *transfer, const struct ria_http_request *request)
{
    const char *body = request->body != NULL ? request->body->data : "";
    long len = request->body != NULL ? (long)request->body->len : 0L;
    bool has_body = request->body != NULL || strcmp(request->method, "PUT") == 0;
    return IS_SET(CURLOPT_CUSTOMREQUEST, request->method) &&
           (!has_body || (IS_SET(CURLOPT_POSTFIELDS, body) && IS_SET(CURLOPT_POSTFIELDSIZE, len)));
}

/* Requests over plain http go only to this machine and to metadata services; no proxy may see
 * them. */
static bool set_place(struct transfer *transfer, const struct ria_http_request *request)
{
    bool has_no_proxy = request->is_local || !ria_ascii_begins(request->url, "https:");
    return IS_SET(CURLOPT_URL, request->url) && IS_SET(CURLOPT_PROTOCOLS_STR, "http,https") &&
           IS_SET(CURLOPT_FOLLOWLOCATION, 0L) && (!has_no_proxy || IS_SET(CURLOPT_NOPROXY, "*"));
}

static bool set_response(struct transfer *transfer)
{
    /* Ignore the headers of the proxy, because TLS does not authenticate a Date header of the
     * proxy. */
    return IS_SET(CURLOPT_WRITEFUNCTION, append_body) && IS_SET(CURLOPT_WRITEDATA, transfer) &&
           IS_SET(CURLOPT_HEADERFUNCTION, parse_header) && IS_SET(CURLOPT_HEADERDATA, transfer) &&
           IS_SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

/* Returns false if libcurl rejects transfer->option. */
static bool set_options(const struct ria_http_request *request, struct transfer *transfer)
{
    /* CURLOPT_QUICK_EXIT: do not wait for a resolver thread that hangs. Without this option libcurl
     * waits for the thread even after the timeouts. */
    return IS_SET(CURLOPT_SHARE, share) && set_place(transfer, request) &&
           IS_SET(CURLOPT_ERRORBUFFER, transfer->detail) && IS_SET(CURLOPT_NOSIGNAL, 1L) &&
           IS_SET(CURLOPT_QUICK_EXIT, 1L) && IS_SET(CURLOPT_USERAGENT, "rds-iam/" RIA_VERSION) &&
           IS_SET(CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_timeout) &&
           IS_SET(CURLOPT_TIMEOUT_MS, (long)request->timeout) &&
           IS_SET(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) && set_response(transfer) &&
           set_authorities(transfer, request->authorities) && set_body(transfer, request);
}

/* Fills err for a request that was not sent, because libcurl rejected an option or memory ran out.
 */
static void fail_unsent(const struct transfer *transfer, struct ria_error *err)
{
    if (transfer->option_error == CURLE_OK || transfer->option_error == CURLE_OUT_OF_MEMORY) {
        (void)ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a request");
        return;
    }
    (void)ria_fail(
        err,
        RIA_E_SYSTEM,
        "libcurl rejects %s: %s; install a complete libcurl of release 7.87 or later",
        transfer->option,
        curl_easy_strerror(transfer->option_error));
}

/* Returns the status of the proxy's response to CONNECT. Returns 0 if the status is 2xx, if libcurl
 * sent no CONNECT, or if the proxy did not respond. */
static long proxy_error_status(const struct transfer *transfer)
{
    long status = 0;
    (void)curl_easy_getinfo(transfer->handle, CURLINFO_HTTP_CONNECTCODE, &status);
    return status / 100 == 2 ? 0 : status;
}

/* Returns true if the transfer failed because a line of the response is longer than libcurl accepts
 * (100 KB). Before release 8.6, libcurl reports this as a lack of memory. */
static bool is_line_too_long(const struct transfer *transfer, CURLcode code)
{
    curl_off_t started = 0;
    (void)curl_easy_getinfo(transfer->handle, CURLINFO_STARTTRANSFER_TIME_T, &started);
#if LIBCURL_VERSION_NUM >= 0x080600
    if (code == CURLE_TOO_LARGE) {
        return true;
    }
#endif
    return code == CURLE_OUT_OF_MEMORY && started > 0;
}

/* Returns true if the connection was closed or reset during the TLS handshake. libcurl returns the
 * same code for a TLS alert and for a wrong protocol, but in these two cases another try does not
 * help. So this function searches libcurl's description of the error. If a release of libcurl uses
 * other words, the request is not tried again. */
static bool is_closed_in_handshake(CURLcode code, const char *detail)
{
    static const char *const words[] = {
        "SSL_ERROR_SYSCALL",
        "SSL_ERROR_ZERO_RETURN",
        "unexpected eof",
        "Recv failure: ",
        "Send failure: ",
    };
    for (size_t i = 0; code == CURLE_SSL_CONNECT_ERROR && i < sizeof(words) / sizeof(words[0]);
         i++) {
        if (strstr(detail, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static enum ria_http_result http_classify(const struct transfer *transfer, CURLcode code)
{
    curl_off_t connected = 0;
    (void)curl_easy_getinfo(transfer->handle, CURLINFO_CONNECT_TIME_T, &connected);
    if (code != CURLE_OK && proxy_error_status(transfer) != 0) {
        return RIA_HTTP_NO_PROXY;
    }
    if (is_closed_in_handshake(code, transfer->detail)) {
        return RIA_HTTP_BROKEN;
    }
    switch ((int)code) {
    case CURLE_OK:
        return RIA_HTTP_ANSWERED;
    case CURLE_COULDNT_RESOLVE_PROXY:
        return RIA_HTTP_NO_PROXY;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return RIA_HTTP_NOBODY;
    case CURLE_OPERATION_TIMEDOUT:
        return connected > 0 ? RIA_HTTP_SILENT : RIA_HTTP_NOBODY;
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        return RIA_HTTP_BROKEN;
    default:
        return RIA_HTTP_REFUSED;
    }
}

static void http_explain(
    const struct transfer *transfer,
    const char *url,
    CURLcode code,
    enum ria_http_result result,
    struct ria_error *err)
{
    char place[RIA_URL_SHOWN_SIZE];
    char status[64];
    const char *why = curl_easy_strerror(code);
    ria_url_show(url, place);
    if (result == RIA_HTTP_UNUSABLE) {
        why = "the response is longer than 64 KB, so it is not from AWS";
    } else if (proxy_error_status(transfer) != 0) {
        (void)snprintf(
            status,
            sizeof(status),
            "the proxy answers with status %ld",
            proxy_error_status(transfer));
        why = status;
    }
    (void)ria_fail(
        err,
        result == RIA_HTTP_SILENT ? RIA_E_DEADLINE : RIA_E_CREDENTIALS,
        "%.128s: %s",
        place,
        why);
}

/* Sends the request, for which every option is set, and classifies the result. */
static enum ria_http_result perform(
    struct transfer *transfer, const struct ria_http_request *request, struct ria_error *err)
{
    struct ria_http_response *response = transfer->response;
    CURLcode code = curl_easy_perform(transfer->handle);
    (void)curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &response->status);
    if (transfer->was_cached || !ria_ascii_begins(request->url, "https:")) {
        response->has_date = false;
    }
    enum ria_http_result result = transfer->is_over_limit || is_line_too_long(transfer, code)
                                      ? RIA_HTTP_UNUSABLE
                                      : http_classify(transfer, code);
    if (result != RIA_HTTP_ANSWERED) {
        http_explain(transfer, request->url, code, result, err);
    }
    return result;
}

enum ria_http_result ria_http_send(
    const struct ria_http_request *request,
    struct ria_http_response *response,
    struct ria_error *err)
{
    struct transfer transfer = {.handle = curl_easy_init(), .response = response};
    enum ria_http_result result = RIA_HTTP_UNASKED;
    ria_buf_clear(&response->body);
    response->has_date = false;
    response->retry_after = 0;
    response->status = 0;
    struct curl_slist *headers = header_list(request);
    if (transfer.handle != NULL && headers != NULL && set_options(request, &transfer) &&
        set_headers(&transfer, headers)) {
        result = perform(&transfer, request, err);
    } else {
        fail_unsent(&transfer, err);
    }
    curl_easy_cleanup(transfer.handle);
    curl_slist_free_all(headers);
    return result;
}

void ria_http_response_release(struct ria_http_response *response)
{
    ria_buf_release(&response->body);
    *response = (struct ria_http_response)RIA_HTTP_RESPONSE_INIT;
}
