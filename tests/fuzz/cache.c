/* SPDX-License-Identifier: MIT
 *
 * Cache files. ria_process_world() (os/process_world.h) reads the bytes that fetch/store.c wrote.
 * If provider/cache.c accepts a file, the credentials are complete and have an expiration. If
 * provider/cache.c ignores a file, one log line reports that, and the line does not contain the
 * secret.
 *
 * Input: the file.
 */
#include "fuzz.h"

#include "fake_world.h"
#include "fetch/store.h"
#include "provider/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct ria_cache_place place; /* one directory for all executions */
static char parent[64];

static void remove_directory(void)
{
    static const char *const ends[] = {"/entry", "/entry.lock", "/entry.new", ""};
    char path[sizeof(place.directory) + 16];
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", place.directory, ends[i]);
        (void)(*ends[i] == '\0' ? rmdir(path) : unlink(path));
    }
    (void)rmdir(parent);
}

static void find_directory(void)
{
    if (place.directory[0] != '\0') {
        return;
    }
    (void)snprintf(parent, sizeof(parent), "./fuzz-cache-XXXXXX");
    fuzz_require(mkdtemp(parent) != NULL);
    (void)snprintf(place.directory, sizeof(place.directory), "%s/cache", parent);
    (void)snprintf(place.name, sizeof(place.name), "entry");
    (void)atexit(remove_directory);
}

static void write_file(const struct ria_buf *bytes)
{
    struct ria_store store;
    fuzz_require(ria_store_open(&store, place.directory, place.name));
    fuzz_require(ria_store_lock(&store, 0) && store.is_held);
    (void)ria_store_write(&store, bytes);
    ria_store_close(&store);
}

static void check_file(const struct ria_buf *bytes)
{
    const struct ria_world *world = ria_process_world();
    RIA_AUTO(buf) read = {.max = RIA_RECORD_MAX};
    struct ria_error err = {0};
    bool fits = bytes->len <= RIA_RECORD_MAX;
    enum ria_outcome outcome =
        world->read_private(world->self, place.directory, place.name, &read, &err);
    fuzz_require(outcome == (fits ? RIA_FOUND : RIA_ABSENT));
    fuzz_require(!fits || fuzz_same(bytes, &read));
}

static void check_entry(const struct ria_buf *bytes)
{
    struct ria_fake fake;
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    char path[sizeof(place.directory) + sizeof(place.name) + 1];
    ria_fake_init(&fake);
    (void)snprintf(path, sizeof(path), "%s/%s", place.directory, place.name);
    ria_fake_file(&fake, path, bytes->data)->len = bytes->len;
    if (!ria_cache_read(&fake.world, &place, &response)) {
        fuzz_require(response.credentials.secret_access_key.len == 0);
        fuzz_require(ria_fake_log_count(&fake, RIA_LOG_INFO) == 1);
        fuzz_require(strstr(fake.log[0].text, FUZZ_SECRET) == NULL);
        return;
    }
    fuzz_require(response.outcome == RIA_FOUND && response.credentials.expires != 0);
    fuzz_require(
        response.credentials.access_key_id.len > 0 &&
        response.credentials.secret_access_key.len > 0);
    /* An offset is valid only until the machine that stored it is started again. */
    int64_t offset = ria_cache_offset(&fake.world, &response.offset);
    fuzz_require(
        offset == 0 || (offset == response.offset.seconds &&
                        strcmp(response.offset.boot_id, fake.machine.boot_id) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RIA_AUTO(buf) bytes = {0};
    fuzz_fill(&bytes, data, size);
    find_directory();
    write_file(&bytes);
    check_file(&bytes);
    check_entry(&bytes);
    return 0;
}
