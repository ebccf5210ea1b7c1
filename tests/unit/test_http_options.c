/* SPDX-License-Identifier: MIT
 *
 * A request for which libcurl rejects an option: it is not sent, and the message names the option,
 * unless memory ran out. The program contains a curl_easy_setopt() of its own, which takes the
 * place of libcurl's. */
#include "fetch/http.h"
#include "unit.h"

#include <curl/curl.h>

#undef curl_easy_setopt

static CURLoption rejected;
static CURLcode reason;

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
CURLcode curl_easy_setopt(CURL *handle, CURLoption option, ...)
{
    (void)handle;
    return option == rejected ? reason : CURLE_OK;
}

static void a_rejected_option_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        CURLoption option;
        CURLcode reason;
        const char *message;
    } rows[] = {
        {"unknown",
         CURLOPT_PROTOCOLS_STR,
         CURLE_UNKNOWN_OPTION,
         "libcurl rejects CURLOPT_PROTOCOLS_STR: An unknown option was passed in to libcurl; "
         "install a complete libcurl of release 7.87 or later"},
        {"not built in",
         CURLOPT_CAPATH,
         CURLE_NOT_BUILT_IN,
         "libcurl rejects CURLOPT_CAPATH: A requested feature, protocol or option was not found "
         "built-in in this libcurl due to a build-time decision.; "
         "install a complete libcurl of release 7.87 or later"},
        {"the last option",
         CURLOPT_HTTPHEADER,
         CURLE_UNKNOWN_OPTION,
         "libcurl rejects CURLOPT_HTTPHEADER: An unknown option was passed in to libcurl; "
         "install a complete libcurl of release 7.87 or later"},
        {"no memory", CURLOPT_URL, CURLE_OUT_OF_MEMORY, "out of memory for a request"},
    };
    RIA_AUTO(buf) bundle = {.max = 16};
    ria_buf_add_text(&bundle, "PEM");
    assert_true(ria_http_set_up());
    for_each_row(row, rows, row->name) {
        RIA_AUTO(http_response) response = RIA_HTTP_RESPONSE_INIT;
        struct ria_error err = {0};
        const struct ria_http_request request = {
            .url = "https://127.0.0.1:1/", .method = "GET", .authorities = &bundle};
        rejected = row->option;
        reason = row->reason;
        expect_number(row->name, ria_http_send(&request, &response, &err), RIA_HTTP_UNASKED);
        expect_text(row->name, err.text, row->message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_rejected_option_is_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
