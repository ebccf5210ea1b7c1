/* SPDX-License-Identifier: MIT
 *
 * Answers each request with the next response in the input of a fuzz target. Checks requests and
 * outcomes. */
#include "fake_http.h"

#include <stdlib.h>
#include <string.h>

static struct fuzz_network
    *current; /* the network of this run; static, because ria_http_send() has no argument for it */

void fuzz_network_open(struct fuzz_network *network, struct fuzz_input input)
{
    *network = (struct fuzz_network){
        .responses = input, .plan = RIA_PLAN_INIT, .response = RIA_RESPONSE_INIT};
    ria_fake_init(&network->fake);
    network->fetch = (struct ria_fetch){
        .world = &network->fake.world,
        .plan = &network->plan,
        .result = &network->response,
        /* Enough time for requests, but not for a pause between them. */
        .deadline = {.at = network->fake.ticks + 1},
    };
    (void)strcpy(network->plan.label, "the fuzzer");
    current = network;
}

void fuzz_network_close(struct fuzz_network *network)
{
    ria_plan_release(&network->plan);
    ria_response_release(&network->response);
    current = NULL;
}

struct ria_role *fuzz_role(struct fuzz_network *network)
{
    struct ria_role *role = &network->plan.roles[0];
    role->value[RIA_ROLE_ARN] =
        (struct ria_setting){"arn:aws:iam::123456789012:role/r", "/home/u/.aws/config", 3};
    role->value[RIA_ROLE_REGION] = (struct ria_setting){"eu-west-1", "AWS_REGION", 0};
    network->plan.role_count = 1;
    return role;
}

/* -- replaces fetch/http.c ------------------------------------------------------------------ */

/* A header may contain data from an earlier response. That data must not add a line break to the
 * header. */
static void check_request(const struct ria_http_request *request)
{
    struct ria_http_place place;
    fuzz_require(ria_http_place(request->url, &place));
    for (size_t i = 0; i < RIA_HTTP_HEADERS_MAX && request->headers[i] != NULL; i++) {
        fuzz_require(strpbrk(request->headers[i], "\r\n") == NULL);
        fuzz_require(strstr(request->headers[i], ": ") != NULL);
    }
}

static enum ria_http_result take_head(const struct ria_buf *piece, struct ria_http_response *out)
{
    char *rest = piece->data;
    out->status = strtol(piece->data, &rest, 10);
    long delta = strtol(rest, &rest, 10);
    rest = strchrnul(rest, '\n');
    rest += *rest == '\n' ? 1 : 0;
    out->has_date = delta > -1000000 && delta < 1000000;
    out->date = current->fake.now + (out->has_date ? delta : 0);
    ria_buf_add(&out->body, rest, piece->len - (size_t)(rest - piece->data));
    static const enum ria_http_result faults[] = {
        RIA_HTTP_NOBODY, RIA_HTTP_SILENT, RIA_HTTP_BROKEN, RIA_HTTP_REFUSED};
    if (out->body.failed) {
        return RIA_HTTP_UNUSABLE;
    }
    return out->status >= 0 && out->status < 4 ? faults[out->status] : RIA_HTTP_ANSWERED;
}

enum ria_http_result ria_http_send(
    const struct ria_http_request *request,
    struct ria_http_response *response,
    struct ria_error *err)
{
    RIA_AUTO(buf) piece = {0};
    check_request(request);
    ria_buf_clear(&response->body);
    response->has_date = false;
    enum ria_http_result result =
        fuzz_piece(&current->responses, &piece) ? take_head(&piece, response) : RIA_HTTP_NOBODY;
    if (result != RIA_HTTP_ANSWERED) {
        (void)ria_fail(err, RIA_E_CREDENTIALS, "the host: cannot be reached");
    }
    return result;
}

void ria_http_response_release(struct ria_http_response *response)
{
    ria_buf_release(&response->body);
    *response = (struct ria_http_response)RIA_HTTP_RESPONSE_INIT;
}

/* -- outcomes ------------------------------------------------------------------------------- */

static void check_found(struct fuzz_network *network, const struct ria_credentials *found)
{
    const struct ria_buf *texts[] = {
        &found->access_key_id, &found->secret_access_key, &found->session_token};
    struct ria_response *response = &network->response;
    RIA_AUTO(response) read = RIA_RESPONSE_INIT;
    RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
    fuzz_require(found->access_key_id.len > 0 && found->secret_access_key.len > 0);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        fuzz_require(texts[i]->len == 0 || strlen(texts[i]->data) == texts[i]->len);
        ria_buf_add(
            i == 0   ? &response->credentials.access_key_id
            : i == 1 ? &response->credentials.secret_access_key
                     : &response->credentials.session_token,
            texts[i]->data == NULL ? "" : texts[i]->data,
            texts[i]->len);
    }
    response->credentials.expires = found->expires;
    (void)strcpy(response->credentials.source, found->source);
    response->outcome = RIA_FOUND;
    ria_response_write(response, &record);
    fuzz_require(!record.failed && ria_response_read(&record, &read));
    fuzz_require(fuzz_same(&read.credentials.session_token, &found->session_token));
    fuzz_require(read.warning_count == response->warning_count);
}

void fuzz_check(
    struct fuzz_network *network,
    enum ria_outcome outcome,
    const struct ria_credentials *found,
    const struct ria_error *err)
{
    if (outcome == RIA_FOUND) {
        check_found(network, found);
        return;
    }
    fuzz_require(err->text[0] != '\0' && err->code != RIA_E_NONE);
    fuzz_require(found->secret_access_key.len == 0);
}
