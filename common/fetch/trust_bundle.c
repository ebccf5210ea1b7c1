/* SPDX-License-Identifier: MIT
 *
 * Downloads Amazon's bundle of root certificates over HTTPS. Verifies the server with the system's
 * CA certificates only, because the CA bundle in the user's settings is for the AWS endpoints that
 * the user has configured. Follows no redirect, and rejects a body above 1 MB and every status
 * except 200. Does not check the contents of the bundle; the program that requested the bundle
 * checks them. */
#include "provider/trust_bundle.h"

#include "base/messages.h"
#include "codec/record.h"
#include "fetch/fetch.h"

enum {
    CONNECT_MS = 5000, /* milliseconds for a connection */
    TRY_MS = 30000,    /* milliseconds for a whole try, including the connection */
    STATUS_OK = 200,
};

#define REMEDY "%s, or install a bundle from disk: rds-iam setup ca --file FILE"

static bool trust_bundle_download(
    struct ria_fetch *fetch,
    const char *url,
    struct ria_http_response *response,
    struct ria_error *err)
{
    struct ria_http_request request = {
        .url = url, .method = "GET", .connect_timeout = CONNECT_MS, .timeout = TRY_MS};
    char place[RIA_URL_SHOWN_SIZE];
    ria_url_show(url, place);
    if (!ria_http_set_up()) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_LIBCURL);
    }
    enum ria_http_result result = ria_fetch_send(fetch, &request, response, err);
    if (result == RIA_HTTP_UNUSABLE) {
        return ria_fail(err, RIA_E_SYSTEM, "%s: the bundle is longer than 1 MB; try again", place);
    }
    if (result != RIA_HTTP_ANSWERED) {
        return ria_fail(
            err, err->code, "%s; " REMEDY, err->text, "check the network and HTTPS_PROXY");
    }
    if (response->status != STATUS_OK) {
        return ria_fail(
            err,
            RIA_E_CREDENTIALS,
            "%s: HTTP status %ld; " REMEDY,
            place,
            response->status,
            "try again later");
    }
    return true;
}

bool ria_fetch_response_trust_bundle(
    const struct ria_world *world, const struct ria_buf *bytes, struct ria_buf *record)
{
    struct ria_trust_bundle_request request;
    if (!ria_trust_bundle_read_request(bytes, &request)) {
        return false;
    }
    const struct ria_plan plan = RIA_PLAN_INIT;
    RIA_AUTO(response) result = RIA_RESPONSE_INIT;
    RIA_AUTO(http_response) response = RIA_HTTP_RESPONSE_INIT;
    response.body.max = RIA_RECORD_BUNDLE_MAX - 1024; /* room for the rest of the record */
    struct ria_error err = {0};
    struct ria_fetch fetch = {
        .world = world,
        .plan = &plan,
        .budget = request.budget,
        .deadline = ria_fetch_deadline(world, request.budget),
        .result = &result,
        .spent = {.since = world->ticks(world->self)},
    };
    bool ok =
        trust_bundle_download(&fetch, ria_trust_bundle_url(request.partition), &response, &err);
    record->max = RIA_RECORD_BUNDLE_MAX;
    ria_trust_bundle_write_response(ok ? &response.body : NULL, &err, record);
    return true;
}
