/* SPDX-License-Identifier: MIT
 *
 * HTTP responses, through the real libcurl: fetch/http.c, and the source of a container on top of
 * it.
 *
 * Input: a letter, then the pieces that the server sends (server.h), which are raw bytes. 'h': one
 * request; 'c': the container's source.
 *
 * Properties:
 *   1. an exchange ends, within its time limit;
 *   2. a body is not longer than its limit, and only a response with a status line is accepted. Its
 *      status can be any number: libcurl reads "HTTP/2 2001" as 2001;
 *   3. over plain http, no date is taken from a response;
 *   4. a failure has a message, which contains neither the path nor the query of the URL;
 *   5. after each exchange ('h'), the next exchange gets the whole response of its server, and
 *      nothing of the input. */
#include "scratch.h"
#include "server.h"

#include "fake_world.h"
#include "fetch/fetch.h"

#include <stdlib.h>
#include <string.h>

enum {
    TIMEOUT_MS = 30000, /* a loaded machine needs seconds */
};

static const struct ria_http_request request = {
    .url = "http://127.0.0.1:8080/" FUZZ_SECRET "?token=" FUZZ_SECRET,
    .method = "GET",
    .headers = {"Authorization: x", NULL},
    .connect_timeout = TIMEOUT_MS,
    .timeout = TIMEOUT_MS,
    .is_local = true,
};

static void check_failure(enum ria_http_result result, const struct ria_error *err)
{
    fuzz_require(result < RIA_HTTP_RESULTS && result != RIA_HTTP_UNASKED);
    fuzz_require(err->text[0] != '\0' && strstr(err->text, FUZZ_SECRET) == NULL);
    fuzz_require(result != RIA_HTTP_NO_PROXY && result != RIA_HTTP_SILENT);
}

/* Returns whether the server sends a status line, which may be in several pieces. */
static bool has_status_line(struct fuzz_input script)
{
    RIA_AUTO(buf) sent = {.max = 1 << 20};
    bool is_left = true;
    while (is_left) {
        RIA_AUTO(buf) piece = {0};
        is_left = fuzz_piece(&script, &piece);
        if (is_left) {
            ria_buf_add(&sent, piece.data, piece.len);
        }
    }
    return fuzz_count(sent.data, sent.len, "HTTP/") > 0;
}

static void check_exchange(struct fuzz_input input)
{
    RIA_AUTO(buf) received = {0};
    struct ria_http_response response = RIA_HTTP_RESPONSE_INIT;
    struct ria_error err = {0};
    size_t limit = response.body.max;
    fuzz_server_play(input);
    enum ria_http_result result = ria_http_send(&request, &response, &err);
    fuzz_server_end(&received);
    fuzz_note(err.text);
    fuzz_require(!response.has_date);
    if (result == RIA_HTTP_ANSWERED) {
        fuzz_require(response.body.len <= limit && !response.body.failed);
        fuzz_require(has_status_line(input));
    } else {
        check_failure(result, &err);
    }
    ria_http_response_release(&response);
}

/* The server of the next exchange sends this response. */
static void check_next(void)
{
    static const char text[] = "====\nHTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\nnext";
    RIA_AUTO(buf) received = {0};
    struct ria_http_response response = RIA_HTTP_RESPONSE_INIT;
    struct ria_error err = {0};
    fuzz_server_play((struct fuzz_input){(const uint8_t *)text, sizeof(text) - 1});
    fuzz_require(ria_http_send(&request, &response, &err) == RIA_HTTP_ANSWERED);
    fuzz_server_end(&received);
    fuzz_require(response.status == 201 && response.body.len == 4);
    fuzz_require(memcmp(response.body.data, "next", 4) == 0);
    fuzz_require(fuzz_count(received.data, received.len, "GET /" FUZZ_SECRET) == 1);
    ria_http_response_release(&response);
}

static void check_container(struct fuzz_input input)
{
    struct ria_fake fake;
    RIA_AUTO(buf) received = {0};
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    RIA_AUTO(response) result = RIA_RESPONSE_INIT;
    RIA_AUTO(credentials) found = RIA_CREDENTIALS_INIT;
    struct ria_error err = {0};
    ria_fake_init(&fake);
    plan.value[RIA_PLAN_CONTAINER_URI] = (struct ria_setting){
        "http://127.0.0.1:8080/" FUZZ_SECRET, "AWS_CONTAINER_CREDENTIALS_FULL_URI", 0};
    plan.value[RIA_PLAN_CONTAINER_TOKEN] =
        (struct ria_setting){"token", "AWS_CONTAINER_AUTHORIZATION_TOKEN", 0};
    struct ria_fetch fetch = {
        .world = &fake.world,
        .plan = &plan,
        .result = &result,
        .deadline = {.at = fake.ticks + TIMEOUT_MS},
    };
    fake.ticks_step = TIMEOUT_MS / 2; /* no time for a second try */
    fuzz_server_play(input);
    enum ria_outcome outcome = ria_fetch_container(&fetch, &found, &err);
    fuzz_server_end(&received);
    if (outcome == RIA_FOUND) {
        fuzz_require(found.access_key_id.len > 0 && found.secret_access_key.len > 0);
    } else {
        fuzz_require(err.text[0] != '\0' && found.secret_access_key.len == 0);
        fuzz_require(
            strstr(err.text, FUZZ_SECRET) == NULL ||
            fuzz_count(input.at, input.left, FUZZ_SECRET) > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_set;
    struct fuzz_input input = {data, size};
    if (!is_set) {
        is_set = true;
        fuzz_scratch_environment();
        fuzz_require(ria_http_set_up());
    }
    if (fuzz_byte(&input) == 'c') {
        check_container(input);
    } else {
        check_exchange(input);
        check_next();
    }
    return 0;
}
