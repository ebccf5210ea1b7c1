/* SPDX-License-Identifier: MIT
 *
 * Stands for rds-iam-fetch in test_background.c. Reads a request, and does what the request's label
 * names: sends an error, a record without any field, or credentials with a long session token, or
 * sends nothing. */
#include "provider/answer_record.h"
#include "provider/request.h"
#include "provider/response.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void read_request(struct ria_buf *out)
{
    ssize_t len = 1;
    while (len > 0) {
        char *room = ria_buf_reserve(out, 4096);
        len = room == NULL ? -1 : read(STDIN_FILENO, room, 4096);
        ria_buf_grown(out, len > 0 ? (size_t)len : 0);
    }
}

static void write_found(struct ria_buf *out)
{
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    response.outcome = RIA_FOUND;
    ria_buf_add_text(&response.credentials.access_key_id, "ASIA");
    ria_buf_add_text(&response.credentials.secret_access_key, "secret");
    for (int i = 0; i < RIA_SESSION_TOKEN_MAX; i++) {
        ria_buf_add_char(&response.credentials.session_token, 't');
    }
    ria_response_write(&response, out);
}

static void write_refusal(struct ria_buf *out)
{
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    response.err = (struct ria_error){.code = RIA_E_CREDENTIALS, .text = "refused by the peer"};
    ria_response_write(&response, out);
}

int main(void)
{
    RIA_AUTO(buf) bytes = {.max = 2 * RIA_RECORD_MAX};
    RIA_AUTO(buf) out = {.max = RIA_RECORD_MAX};
    RIA_AUTO(request) request = RIA_REQUEST_INIT;
    read_request(&bytes);
    if (!ria_request_read(&bytes, &request)) {
        return EXIT_FAILURE;
    }
    const char *label = request.plan.label;
    if (strcmp(label, "hang") == 0) {
        return pause();
    }
    if (strcmp(label, "found") == 0) {
        write_found(&out);
    } else if (strcmp(label, "refused") == 0) {
        write_refusal(&out);
    } else if (strcmp(label, "another record") == 0) {
        ria_record_begin(&out, RIA_RECORD_RESPONSE);
        ria_record_end(&out);
    }
    return send(STDIN_FILENO, out.data, out.len, MSG_NOSIGNAL) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
