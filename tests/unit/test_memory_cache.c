/* SPDX-License-Identifier: MIT
 *
 * Credentials that a process caches for its next login. They are stored only in the mapping for
 * secrets (base/secret.h), and are wiped once the process notices that they have expired. Also
 * tests the signing keys that a process caches. */
#include "codec/digest.h"
#include "provider/memory_cache.h"
#include "rds_iam.h"

#include "fake_world.h"
#include "heap.h"
#include "mapping.h"
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define HOST "mydb.abc123def456.us-east-1.rds.amazonaws.com"
#define FETCHED_ID "ASIAXCANARY"
#define FETCHED "a-canary-of-a-key-that-was-fetched"

enum {
    HOUR = 3600,
    COPY_MS = 61 * 1000, /* credentials without an expiry time are cached for less */
    IDENTITIES = 40,
};

/* Profiles whose sources need rds-iam-fetch, and one with keys. */
static const char profiles[] =
    "[profile process]\ncredential_process = x\n"
    "[profile other]\ncredential_process = y\n"
    "[profile third]\ncredential_process = z\n"
    "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/r\ncredential_source = Environment\n"
    "[profile instance]\nrole_arn = arn:aws:iam::123456789012:role/i\ncredential_source = "
    "Ec2InstanceMetadata\n"
    "[profile sso]\nsso_start_url = https://x/start\nsso_region = us-east-1\nsso_account_id = "
    "123456789012\nsso_role_name = r\n"
    "[profile keys]\naws_access_key_id = AKID\naws_secret_access_key = k\n";

static bool is_locked; /* as if another thread held each lock */

/* The linker replaces pthread_mutex_trylock() with this function. */
int __real_pthread_mutex_trylock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *lock)
{
    return is_locked ? EBUSY : __real_pthread_mutex_trylock(lock);
}

static void begin_copies(struct ria_fake *fake)
{
    ria_memory_cache_clear();
    ria_fake_init(fake);
    ria_fake_file(fake, RIA_FAKE_AWS_CONFIG, profiles);
    ria_fake_env(fake, "AWS_ACCESS_KEY_ID", "AKID");
    ria_fake_env(fake, "AWS_SECRET_ACCESS_KEY", "s");
    ria_fake_env(fake, "AWS_REGION", "us-east-1");
}

static enum ria_outcome ask_as(struct ria_fake *fake, const char *profile)
{
    struct ria_login login = {
        .host = HOST,
        .port = 3306,
        .user = "u",
        .channel = RIA_CHANNEL_VERIFIED,
        .profile = profile};
    struct ria_deadline deadline = ria_deadline_in(&fake->world, RIA_LOGIN_BUDGET_MS);
    struct ria_error err = {0};
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    enum ria_outcome outcome = ria_token_for(&login, deadline, &fake->world, &token, &err);
    if (outcome != RIA_FOUND) {
        print_message("# %s: %s\n", profile, err.text);
    }
    return outcome;
}

/* Logs in as the profile; rds-iam-fetch returns credentials that expire after `seconds`, or have no
 * expiry time if `seconds` is 0. */
static void fetch_as(struct ria_fake *fake, const char *profile, int64_t seconds)
{
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    response.outcome = RIA_FOUND;
    ria_buf_add_text(&response.credentials.access_key_id, FETCHED_ID);
    ria_buf_add_text(&response.credentials.secret_access_key, FETCHED);
    ria_buf_add_text(&response.credentials.session_token, "t");
    response.credentials.expires = seconds == 0 ? 0 : fake->now + seconds;
    fake->response = &response;
    expect_number(profile, ask_as(fake, profile), RIA_FOUND);
    fake->response = NULL;
}

/* Counts the stored copies of responses, by the access key id. (A signing key is stored with its
 * secret access key, but without the id, so it is not counted.) */
static size_t count_kept(void)
{
    return ria_mapping_count(FETCHED_ID, strlen(FETCHED_ID));
}

/* Before this test, only tests that create no mapping may run. */
static void without_a_mapping_each_login_requests_credentials(void **state)
{
    (void)state;
    struct ria_fake fake;
    begin_copies(&fake);
    size_t live = ria_heap_live();
    ria_heap_refuse_mappings(true);
    for (size_t i = 1; i <= 3; i++) {
        fetch_as(&fake, "process", HOUR);
        expect_number("fetches", fake.fetches, i);
    }
    ria_heap_refuse_mappings(false);
    assert_null(ria_mapping_find().data);
    assert_int_equal(ria_heap_live(), live);
}

static void cached_credentials_are_in_the_mapping_and_not_on_the_heap(void **state)
{
    (void)state;
    static const char *const names[] = {"process", "role", "instance", "sso"};
    for_each_row(name, names, *name) {
        struct ria_fake fake;
        begin_copies(&fake);
        size_t live = ria_heap_live();
        fetch_as(&fake, *name, HOUR);
        expect_number(*name, count_kept(), 1);
        expect_number(*name, ria_heap_live(), live);
        expect(*name, !ria_mapping_find().is_dumped);
        expect_number(*name, ask_as(&fake, *name), RIA_FOUND); /* from the cache */
        expect_number(*name, fake.fetches, 1);
        expect_number(*name, ria_heap_live(), live);
        ria_session_forget();
        expect_number(*name, count_kept(), 0);
    }
}

static void look_with_keys(struct ria_fake *fake)
{
    assert_int_equal(ask_as(fake, "keys"), RIA_FOUND);
}

static void look_with_the_same(struct ria_fake *fake)
{
    assert_int_equal(ask_as(fake, "process"), RIA_FAILED);
}

static void look_with_another(struct ria_fake *fake)
{
    assert_int_equal(ask_as(fake, "sso"), RIA_FAILED);
}

static void look_for_a_session(struct ria_fake *fake)
{
    RIA_AUTO(session) session = RIA_SESSION_INIT;
    struct ria_login login = {.channel = RIA_CHANNEL_NONE, .profile = "keys"};
    struct ria_deadline deadline = ria_deadline_in(&fake->world, RIA_LOGIN_BUDGET_MS);
    struct ria_error err;
    assert_int_equal(
        ria_session_for(&login, NULL, deadline, &fake->world, &session, &err), RIA_FOUND);
}

static void look_without_a_login(struct ria_fake *fake)
{
    (void)ria_memory_cache_expire(&fake->world);
}

static void any_call_wipes_expired_credentials(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*look)(struct ria_fake *fake);
    } rows[] = {
        {"a login with keys", look_with_keys},
        {"a login with expired credentials", look_with_the_same},
        {"a login with another source", look_with_another},
        {"rds-iam credentials", look_for_a_session},
        {"a check between two logins", look_without_a_login},
    };
    for_each_row(row, rows, row->name) {
        struct ria_fake fake;
        begin_copies(&fake);
        fetch_as(&fake, "process", HOUR);
        fetch_as(&fake, "other", 2 * HOUR);
        fetch_as(&fake, "third", 0);
        expect_number(row->name, count_kept(), 3);
        fake.now += HOUR - 1;
        fake.ticks += 1;
        (void)ria_memory_cache_expire(&fake.world);
        expect_number(row->name, count_kept(), 3);
        fake.now += 1;
        fake.ticks += COPY_MS;
        row->look(&fake);
        expect_number(row->name, count_kept(), 1);
        fake.now += HOUR;
        row->look(&fake);
        expect_number(row->name, count_kept(), 0);
    }
}

static void expiry_is_checked_by_the_clock_of_aws(void **state)
{
    (void)state;
    struct ria_fake fake;
    begin_copies(&fake);
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    response.outcome = RIA_FOUND;
    ria_buf_add_text(&response.credentials.access_key_id, FETCHED_ID);
    ria_buf_add_text(&response.credentials.secret_access_key, FETCHED);
    /* The clock of this machine is two hours fast, so by that clock the credentials have expired.
     */
    response.credentials.expires = fake.now - HOUR;
    response.offset.seconds = -2 * HOUR;
    (void)snprintf(
        response.offset.boot_id, sizeof(response.offset.boot_id), "%s", fake.machine.boot_id);
    fake.response = &response;
    assert_int_equal(ask_as(&fake, "process"), RIA_FOUND);
    fake.response = NULL;
    (void)ria_memory_cache_expire(&fake.world);
    assert_int_equal(count_kept(), 1);
    fake.now += HOUR;
    (void)ria_memory_cache_expire(&fake.world);
    assert_int_equal(count_kept(), 0);
}

static void the_time_of_the_next_expiry_is_returned(void **state)
{
    (void)state;
    struct ria_fake fake;
    begin_copies(&fake);
    assert_true(ria_memory_cache_expire(&fake.world) == INT64_MAX);
    fetch_as(&fake, "process", HOUR);
    assert_true(ria_memory_cache_expire(&fake.world) == fake.ticks + ((int64_t)HOUR * 1000));
    fetch_as(&fake, "third", 0);
    int64_t due = ria_memory_cache_expire(&fake.world);
    assert_in_range(due - fake.ticks, 1, COPY_MS);
    fake.ticks = due;
    (void)ria_memory_cache_expire(&fake.world);
    assert_int_equal(count_kept(), 1);
    ria_memory_cache_clear();
    assert_true(ria_memory_cache_expire(&fake.world) == INT64_MAX);
    fetch_as(&fake, "process", INT64_MAX / 2); /* in milliseconds, too large for an int64_t */
    assert_true(ria_memory_cache_expire(&fake.world) > fake.ticks + ((int64_t)HOUR * 1000));
    assert_int_equal(count_kept(), 1);
    ria_memory_cache_clear();
}

static void the_cache_has_sixteen_entries_at_most(void **state)
{
    (void)state;
    struct ria_fake fake;
    struct ria_response response = {.outcome = RIA_FOUND, .credentials = {.expires = 0}};
    static char filler[RIA_RECORD_MAX];
    begin_copies(&fake);
    memcpy(filler + sizeof(filler) - sizeof(FETCHED_ID), FETCHED_ID, sizeof(FETCHED_ID));
    const struct ria_buf record = {.data = filler, .len = sizeof(filler), .max = sizeof(filler)};
    for (int i = 0; i < IDENTITIES; i++) {
        char name[RIA_CACHE_NAME_SIZE];
        (void)snprintf(name, sizeof(name), "%064d", i);
        ria_memory_cache_put(&fake.world, name, INT64_MAX, &response, &record);
        expect_number(name, count_kept(), i < 16 ? i + 1 : 16);
    }
    ria_memory_cache_clear();
    assert_int_equal(count_kept(), 0);
}

/* -- signing keys --------------------------------------------------------------------------- */

#define STATIC_SECRET "a-canary-of-a-static-key"

/* Makes a token with static keys. */
static void sign_with(struct ria_fake *fake, const char *secret, struct ria_token *token)
{
    struct ria_login login = {
        .host = HOST, .port = 3306, .user = "u", .channel = RIA_CHANNEL_VERIFIED};
    struct ria_deadline deadline = ria_deadline_in(&fake->world, RIA_LOGIN_BUDGET_MS);
    struct ria_error err = {0};
    ria_fake_env(fake, "AWS_SECRET_ACCESS_KEY", secret);
    assert_int_equal(ria_token_for(&login, deadline, &fake->world, token, &err), RIA_FOUND);
}

/* Computes the signing key of STATIC_SECRET for the time of the fake clock. */
static void compute_key(const struct ria_fake *fake, struct ria_sigv4_key *out)
{
    struct ria_sigv4_scope scope = {.region = "us-east-1", .service = "rds-db"};
    RIA_AUTO(credentials) credentials = RIA_CREDENTIALS_INIT;
    struct ria_error err;
    assert_true(ria_timestamp_format(fake->now, scope.timestamp));
    ria_buf_add_text(&credentials.secret_access_key, STATIC_SECRET);
    assert_true(ria_sigv4_derive(&scope, &credentials, out, &err));
}

static size_t count_static_secret(void)
{
    return ria_mapping_count(STATIC_SECRET, strlen(STATIC_SECRET));
}

/* This test must run before any other test that makes a token. */
static void a_process_that_signs_one_token_stores_no_key(void **state)
{
    (void)state;
    struct ria_fake fake;
    begin_copies(&fake);
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    sign_with(&fake, STATIC_SECRET, &token);
    assert_null(ria_mapping_find().data);
}

static void a_signing_key_is_stored_until_its_day_ends(void **state)
{
    (void)state;
    enum {
        DAY = 86400
    };
    struct ria_fake fake;
    struct ria_sigv4_key key;
    begin_copies(&fake);
    size_t live = ria_heap_live();
    compute_key(&fake, &key);
    for (size_t i = 0; i < 3; i++) {
        RIA_AUTO(token) token = RIA_TOKEN_INIT;
        sign_with(&fake, STATIC_SECRET, &token);
        expect_number(
            "copies of the signing key", ria_mapping_count(key.bytes, sizeof(key.bytes)), 1);
        expect_number("copies of the secret", count_static_secret(), 1);
    }
    assert_int_equal(ria_heap_live(), live);
    int64_t left = DAY - (fake.now % DAY);
    assert_int_equal(ria_memory_cache_expire(&fake.world), fake.ticks + (left * 1000));
    fake.now += left - 1;
    (void)ria_memory_cache_expire(&fake.world);
    assert_int_equal(count_static_secret(), 1);
    fake.now += 1;
    (void)ria_memory_cache_expire(&fake.world);
    assert_int_equal(count_static_secret(), 0);
    assert_int_equal(ria_mapping_count(key.bytes, sizeof(key.bytes)), 0);
}

static void a_signing_key_expires_with_its_credentials(void **state)
{
    (void)state;
    struct ria_fake fake;
    begin_copies(&fake);
    fetch_as(&fake, "process", HOUR);
    assert_int_equal(ria_mapping_count(FETCHED, strlen(FETCHED)), 2);
    fake.now += HOUR;
    (void)ria_memory_cache_expire(&fake.world);
    assert_int_equal(ria_mapping_count(FETCHED, strlen(FETCHED)), 0);
}

/* While keys of other secrets and other days are cached, a token equals the token that is made with
 * an empty cache. Tokens of another secret or another day differ from the first one. */
static void only_the_same_secret_and_day_find_a_key(void **state)
{
    (void)state;
    struct ria_fake fake;
    begin_copies(&fake);
    RIA_AUTO(token) first = RIA_TOKEN_INIT;
    RIA_AUTO(token) other = RIA_TOKEN_INIT;
    sign_with(&fake, STATIC_SECRET, &first);
    sign_with(&fake, STATIC_SECRET "2", &other);
    assert_string_not_equal(first.text.data, other.text.data);
    int64_t now = fake.now;
    for (int i = 0; i < 2 * 16; i++) {
        fake.now = now - ((int64_t)24 * HOUR * i);
        sign_with(&fake, STATIC_SECRET, &other);
        ria_memory_cache_clear();
        RIA_AUTO(token) fresh = RIA_TOKEN_INIT;
        sign_with(&fake, STATIC_SECRET, &fresh);
        assert_string_equal(fresh.text.data, other.text.data);
        assert_true((strcmp(first.text.data, other.text.data) == 0) == (i == 0));
    }
}

static void a_full_table_replaces_the_oldest_key(void **state)
{
    (void)state;
    struct ria_fake fake;
    begin_copies(&fake);
    for (unsigned i = 0; i < IDENTITIES; i++) {
        char secret[64];
        RIA_AUTO(token) token = RIA_TOKEN_INIT;
        (void)snprintf(secret, sizeof(secret), STATIC_SECRET "%u", i);
        sign_with(&fake, secret, &token);
        expect_number(secret, count_static_secret(), i < 16 ? i + 1 : 16);
        expect_number(secret, ria_mapping_count(secret, strlen(secret)), 1);
    }
    ria_session_forget();
    assert_int_equal(count_static_secret(), 0);
}

/* libcrypto allocates its SHA-256 at the first use. That allocation is not tested. */
static int warm_up(void **state)
{
    (void)state;
    uint8_t digest[RIA_SHA256_LEN];
    struct ria_error err;
    return ria_sha256("", 0, digest, &err) ? 0 : -1;
}

static void while_another_thread_holds_the_lock_nothing_is_stored_or_found(void **state)
{
    (void)state;
    struct ria_fake fake;
    begin_copies(&fake);
    fetch_as(&fake, "process", HOUR);
    expect_number("control: found", ask_as(&fake, "process"), RIA_FOUND);
    expect_number("control: found", fake.fetches, 1);
    is_locked = true;
    fetch_as(&fake, "process", HOUR);
    fetch_as(&fake, "other", HOUR);
    ria_memory_cache_clear();
    is_locked = false;
    expect_number("not found", fake.fetches, 3);
    expect_number("not stored and not wiped", count_kept(), 1);
    expect_number("found afterwards", ask_as(&fake, "process"), RIA_FOUND);
    expect_number("found afterwards", fake.fetches, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_that_signs_one_token_stores_no_key),
        cmocka_unit_test(without_a_mapping_each_login_requests_credentials),
        cmocka_unit_test(cached_credentials_are_in_the_mapping_and_not_on_the_heap),
        cmocka_unit_test(any_call_wipes_expired_credentials),
        cmocka_unit_test(expiry_is_checked_by_the_clock_of_aws),
        cmocka_unit_test(the_time_of_the_next_expiry_is_returned),
        cmocka_unit_test(the_cache_has_sixteen_entries_at_most),
        cmocka_unit_test(a_signing_key_is_stored_until_its_day_ends),
        cmocka_unit_test(a_signing_key_expires_with_its_credentials),
        cmocka_unit_test(only_the_same_secret_and_day_find_a_key),
        cmocka_unit_test(a_full_table_replaces_the_oldest_key),
        cmocka_unit_test(while_another_thread_holds_the_lock_nothing_is_stored_or_found),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
