/* SPDX-License-Identifier: MIT
 *
 * Records (codec/record.h) from a pipe or a file: fields, responses, requests. A record that is
 * accepted can be written again, and further writing and reading changes nothing. Only a request
 * can exceed the maximum size when it is written again. */
#include "fuzz.h"

#include "provider/cache_name.h"
#include "provider/request.h"
#include "provider/response.h"

#include <string.h>

static void walk(const struct ria_buf *bytes, enum ria_record_kind kind)
{
    struct ria_record record;
    struct ria_record_field field;
    size_t seen = RIA_RECORD_HEADER_LEN;
    if (!ria_record_open(bytes, kind, &record)) {
        return;
    }
    RIA_AUTO(buf) again = {.max = RIA_RECORD_MAX};
    ria_record_begin(&again, kind);
    while (ria_record_next(&record, &field)) {
        int64_t number = 0;
        const char *text = ria_record_text(&field);
        fuzz_require(field.bytes[field.len] == '\0');
        fuzz_require(text == NULL || strlen(text) == field.len);
        fuzz_require(ria_record_number(&field, &number) == (field.len == 8));
        ria_record_add(&again, field.tag, field.bytes, field.len);
        seen += field.len + 7;
    }
    ria_record_end(&again);
    fuzz_require(seen == bytes->len);
    fuzz_require(!again.failed && again.len == bytes->len);
    /* Two bytes of the header have no meaning. */
    fuzz_require(memcmp(again.data + 8, bytes->data + 8, bytes->len - 8) == 0);
}

static void response(const struct ria_buf *bytes)
{
    RIA_AUTO(response) read = RIA_RESPONSE_INIT;
    RIA_AUTO(response) again = RIA_RESPONSE_INIT;
    RIA_AUTO(buf) first = {.max = RIA_RECORD_MAX};
    RIA_AUTO(buf) second = {.max = RIA_RECORD_MAX};
    if (!ria_response_read(bytes, &read)) {
        fuzz_require(read.credentials.secret_access_key.len == 0 && read.outcome == RIA_FAILED);
        return;
    }
    fuzz_require(
        read.outcome == RIA_FOUND
            ? read.credentials.access_key_id.len > 0 && read.credentials.secret_access_key.len > 0
            : read.err.text[0] != '\0');
    fuzz_require(read.warning_count <= RIA_RESPONSE_WARNINGS_MAX);
    ria_response_write(&read, &first);
    fuzz_require(!first.failed && ria_response_read(&first, &again));
    ria_response_write(&again, &second);
    fuzz_require(fuzz_same(&first, &second));
    fuzz_require(again.outcome == read.outcome && again.offset.seconds == read.offset.seconds);
    if (read.outcome == RIA_FOUND) {
        fuzz_require(again.credentials.expires == read.credentials.expires);
        fuzz_require(
            fuzz_same(&again.credentials.secret_access_key, &read.credentials.secret_access_key));
        fuzz_require(strcmp(again.identity, read.identity) == 0);
    }
}

static void write_request(const struct ria_request *request, struct ria_buf *out)
{
    struct ria_error err;
    fuzz_require(ria_request_write(
        &request->plan, request->budget, request->cache_directory, request->cache_name, out, &err));
}

static void request(const struct ria_buf *bytes)
{
    __attribute__((cleanup(ria_request_release))) struct ria_request read = RIA_REQUEST_INIT;
    __attribute__((cleanup(ria_request_release))) struct ria_request again = RIA_REQUEST_INIT;
    RIA_AUTO(buf) first = {.max = (size_t)2 * RIA_RECORD_MAX};
    RIA_AUTO(buf) second = {.max = (size_t)2 * RIA_RECORD_MAX};
    char name[RIA_CACHE_NAME_SIZE];
    char name_again[RIA_CACHE_NAME_SIZE];
    struct ria_error err;
    if (!ria_request_read(bytes, &read)) {
        return;
    }
    fuzz_require(read.budget > 0 && read.plan.role_count <= RIA_ROLES_MAX);
    fuzz_require(read.plan.source < RIA_SOURCES);
    write_request(&read, &first);
    /* A request can be longer when it is written again: the writer adds numbers that the input
     * omits, and writes 4294967295 if the line number of a setting is -1. */
    if (first.len > RIA_RECORD_MAX) {
        return;
    }
    fuzz_require(ria_request_read(&first, &again));
    write_request(&again, &second);
    fuzz_require(fuzz_same(&first, &second));
    /* The settings that decide the identity are unchanged. */
    if (ria_cache_name(&read.plan, NULL, NULL, name, &err)) {
        fuzz_require(ria_cache_name(&again.plan, NULL, NULL, name_again, &err));
        fuzz_require(strcmp(name, name_again) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RIA_AUTO(buf) bytes = {0};
    fuzz_fill(&bytes, data, size);
    walk(&bytes, RIA_RECORD_REQUEST);
    walk(&bytes, RIA_RECORD_RESPONSE);
    response(&bytes);
    request(&bytes);
    return 0;
}
