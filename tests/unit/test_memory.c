/* SPDX-License-Identifier: MIT
 *
 * The memory that a login leaves: no secret in a freed block, no secret on the stack, and no leaked
 * block, whichever allocation fails. */
#include "codec/digest.h"
#include "rds_iam.h"

#include "fake_world.h"
#include "heap.h"
#include "provider/memory_cache.h"
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HOST "mydb.abc123def456.us-east-1.rds.amazonaws.com"
#define SECRET "wJalrXUtnFEMI-canary-of-the-secret-key"
#define SESSION "IQoJb3JpZ2luX2VjEHsa-canary-of-the-session-token"

enum {
    STACK_SIZE = 1024 * 1024 /* the stack size of the plugin's thread */
};

struct origin {
    const char *name;
    bool by_environment;
    const char *config;
    const char *credentials;
};

/* The sources whose keys reach the signer without rds-iam-fetch. */
static const struct origin origins[] = {
    {"keys in the environment", true, NULL, NULL},
    {"keys in the config file",
     false,
     "[default]\nregion = x\naws_access_key_id = AKID\naws_secret_access_key = " SECRET
     "\naws_session_token = " SESSION "\n",
     NULL},
    {"keys in the credentials file, beside other profiles",
     false,
     "[profile a]\nregion = x\n[sso-session s]\nsso_region = x\n",
     "[other]\naws_access_key_id = AKID\naws_secret_access_key = " SECRET "2\n"
     "[default]\naws_access_key_id = AKID\naws_secret_access_key = " SECRET
     "\naws_session_token = " SESSION "\nnonsense\n"},
};

static const char our_config[] = "[other]\n[u@*.rds.amazonaws.com]\nregion = us-east-1\n";

static void set_up(struct ria_fake *fake, const struct origin *origin)
{
    ria_fake_init(fake);
    ria_fake_file(fake, RIA_FAKE_CONFIG, our_config);
    if (origin->by_environment) {
        ria_fake_env(fake, "AWS_ACCESS_KEY_ID", "AKID");
        ria_fake_env(fake, "AWS_SECRET_ACCESS_KEY", SECRET);
        ria_fake_env(fake, "AWS_SESSION_TOKEN", SESSION);
    }
    if (origin->config != NULL) {
        ria_fake_file(fake, RIA_FAKE_AWS_CONFIG, origin->config);
    }
    if (origin->credentials != NULL) {
        ria_fake_file(fake, RIA_FAKE_AWS_CREDENTIALS, origin->credentials);
    }
}

static enum ria_outcome ask(struct ria_fake *fake, struct ria_token *token, struct ria_error *err)
{
    struct ria_login login = {
        .host = HOST, .port = 3306, .user = "u", .channel = RIA_CHANNEL_VERIFIED};
    struct ria_deadline deadline = ria_deadline_in(&fake->world, RIA_LOGIN_BUDGET_MS);
    *err = (struct ria_error){0};
    return ria_token_for(&login, deadline, &fake->world, token, err);
}

/* Computes the signature of the token that the keys of an origin sign. The clock stands still, so
 * every later token has the same signature. */
static void compute_signature(const struct origin *origin, char out[65])
{
    struct ria_fake fake;
    struct ria_error err;
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    set_up(&fake, origin);
    assert_int_equal(ask(&fake, &token, &err), RIA_FOUND);
    (void)snprintf(out, 65, "%s", token.text.data + token.text.len - 64);
}

/* Computes the bytes of the signing key, step by step. */
static void compute_signing_key(uint8_t key[RIA_SHA256_LEN])
{
    static const char *const steps[] = {"20260822", "us-east-1", "rds-db", "aws4_request"};
    static const char first[] = "AWS4" SECRET;
    struct ria_error err;
    for (size_t i = 0; i < RIA_COUNT(steps); i++) {
        const void *with = i == 0 ? (const void *)first : key;
        size_t len = i == 0 ? sizeof(first) - 1 : RIA_SHA256_LEN;
        const struct ria_digest_part step = {steps[i], strlen(steps[i])};
        assert_true(ria_hmac_sha256(with, len, &step, 1, key, &err));
    }
}

/* Writes the secret in a way that the compiler cannot remove as a dead store. */
static void plant(volatile char *at)
{
    for (size_t i = 0; i < strlen(SECRET); i++) {
        at[i] = SECRET[i];
    }
}

/* -- the heap ------------------------------------------------------------------------------- */

static void control_a_secret_in_a_freed_block_is_found(void **state)
{
    (void)state;
    ria_heap_forget();
    ria_heap_watch(SECRET, strlen(SECRET));
    char *planted = malloc(200);
    assert_non_null(planted);
    plant(planted + 77);
    free(planted);
    assert_int_equal(ria_heap_found(), 1);
    planted = malloc(200);
    assert_non_null(planted);
    plant(planted);
    planted = realloc(planted, 100000);
    assert_int_equal(ria_heap_found(), 2);
    explicit_bzero(planted, 200);
    free(planted);
    assert_int_equal(ria_heap_found(), 2);
}

static void no_freed_block_contains_a_secret(void **state)
{
    (void)state;
    for_each_row(origin, origins, origin->name) {
        char signature[65];
        uint8_t key[RIA_SHA256_LEN];
        struct ria_fake fake;
        struct ria_error err;
        ria_heap_forget();
        compute_signature(origin, signature);
        compute_signing_key(key);
        ria_heap_watch(SECRET, strlen(SECRET));
        ria_heap_watch(SESSION, strlen(SESSION));
        ria_heap_watch(signature, strlen(signature));
        ria_heap_watch(key, sizeof(key));
        size_t live = ria_heap_live();
        size_t searched = ria_heap_searched();
        RIA_AUTO(token) token = RIA_TOKEN_INIT;
        set_up(&fake, origin);
        expect_number(origin->name, ask(&fake, &token, &err), RIA_FOUND);
        expect_piece(origin->name, token.text.data, signature);
        ria_token_release(&token);
        expect_number(origin->name, ria_heap_found(), 0);
        expect(origin->name, ria_heap_searched() > searched + 5);
        expect_number(origin->name, ria_heap_live(), live);
    }
    ria_heap_forget();
}

/* -- the stack ------------------------------------------------------------------------------ */

/* The planted secret lies below the frames that the end of a thread uses. */
__attribute__((noinline)) static void plant_deep(void)
{
    volatile char frame[16 * 1024];
    plant(frame);
}

struct on_a_stack {
    const struct origin *origin; /* NULL: plant the secret */
    enum ria_outcome outcome;
};

static void *run(void *argument)
{
    struct on_a_stack *job = argument;
    struct ria_error err;
    if (job->origin == NULL) {
        plant_deep();
        job->outcome = RIA_FOUND;
        return NULL;
    }
    struct ria_fake fake;
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    set_up(&fake, job->origin);
    /* The stack frames of a log function would overwrite those of the signer. */
    fake.world.log = NULL;
    job->outcome = ask(&fake, &token, &err);
    return NULL;
}

/* AddressSanitizer would report a read of frames that have returned. This read is intended. */
__attribute__((no_sanitize("address"))) static bool holds(
    const volatile char *stack, const void *secret, size_t len)
{
    const volatile char *bytes = secret;
    for (size_t i = 0; i + len <= STACK_SIZE; i++) {
        size_t same = 0;
        while (same < len && stack[i + same] == bytes[same]) {
            same++;
        }
        if (same == len) {
            return true;
        }
    }
    return false;
}

/* Searches for any part of the secret: later calls may have overwritten the rest. */
static bool holds_piece(const char *stack, const void *secret, size_t len)
{
    enum {
        PIECE = 12,
        STEP = 4
    };
    bool found = false;
    for (size_t at = 0; at + PIECE <= len; at += STEP) {
        found = found || holds(stack, (const char *)secret + at, PIECE);
    }
    return found;
}

/* Runs the job on a thread with this stack and joins the thread. */
static void run_on(char *stack, struct on_a_stack *job)
{
    pthread_t thread;
    pthread_attr_t attributes;
    memset(stack, 0, STACK_SIZE);
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstack(&attributes, stack, STACK_SIZE), 0);
    assert_int_equal(pthread_create(&thread, &attributes, run, job), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)pthread_attr_destroy(&attributes);
    assert_int_equal(job->outcome, RIA_FOUND);
}

static void no_secret_stays_on_the_stack_but_a_planted_one_does(void **state)
{
    (void)state;
    char *stack =
        mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(stack, MAP_FAILED);
    uint8_t key[RIA_SHA256_LEN];
    uint8_t padded[RIA_SHA256_LEN]; /* the key combined with HMAC's outer padding */
    compute_signing_key(key);
    for (size_t i = 0; i < sizeof(key); i++) {
        padded[i] = key[i] ^ 0x5c;
    }
    for_each_row(row, origins, row->name) {
        char signature[65];
        compute_signature(row, signature);
        struct on_a_stack job = {.origin = row};
        run_on(stack, &job);
        expect(row->name, !holds_piece(stack, SECRET, strlen(SECRET)));
        expect(row->name, !holds_piece(stack, SESSION, strlen(SESSION)));
        expect(row->name, !holds_piece(stack, signature, strlen(signature)));
        expect(row->name, !holds_piece(stack, key, sizeof(key)));
        expect(row->name, !holds_piece(stack, padded, sizeof(padded)));
        expect(
            row->name, holds(stack, HOST, strlen(HOST))); /* control: the login used this stack */
    }
    struct on_a_stack planting = {.origin = NULL};
    run_on(stack, &planting);
    assert_true(holds_piece(stack, SECRET, strlen(SECRET)));
    (void)munmap(stack, STACK_SIZE);
}

/* -- out of memory -------------------------------------------------------------------------- */

/* Makes the n-th allocation of a login fail, and checks the result. Returns true if the login has
 * fewer than n allocations. */
static bool walk_on(const struct origin *origin, size_t n)
{
    struct ria_fake fake;
    struct ria_error err;
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    set_up(&fake, origin);
    size_t live = ria_heap_live();
    ria_heap_fail_at(n);
    enum ria_outcome outcome = ask(&fake, &token, &err);
    bool has_failed = ria_heap_has_failed();
    ria_heap_fail_at(0);
    if (has_failed) {
        expect_number(origin->name, outcome, RIA_FAILED);
        expect_piece(origin->name, err.text, "memory");
        expect(origin->name, token.text.data == NULL && token.expires == 0);
    } else {
        expect_number(origin->name, outcome, RIA_FOUND);
    }
    ria_token_release(&token);
    expect_number(origin->name, ria_heap_live(), live);
    return !has_failed;
}

static void every_allocation_failure_is_handled(void **state)
{
    (void)state;
    for_each_row(origin, origins, origin->name) {
        size_t n = 1;
        ria_heap_forget();
        ria_heap_watch(SECRET, strlen(SECRET));
        ria_heap_watch(SESSION, strlen(SESSION));
        while (!walk_on(origin, n)) {
            n++;
        }
        expect(origin->name, n > (origin->by_environment ? 2U : 8U));
        expect_number(origin->name, ria_heap_found(), 0);
    }
    ria_heap_forget();
}

static void without_memory_absence_or_the_lack_of_memory_is_reported(void **state)
{
    (void)state;
    bool has_failed = true;
    for (size_t n = 1; has_failed; n++) {
        struct ria_fake fake;
        struct ria_error err;
        RIA_AUTO(token) token = RIA_TOKEN_INIT;
        ria_fake_init(&fake);
        size_t live = ria_heap_live();
        ria_heap_fail_at(n);
        enum ria_outcome outcome = ask(&fake, &token, &err);
        has_failed = ria_heap_has_failed();
        ria_heap_fail_at(0);
        ria_memory_cache_clear(); /* the absence of instance metadata is cached */
        assert_true(outcome == RIA_ABSENT || (has_failed && outcome == RIA_FAILED));
        expect_piece(
            "the message", err.text, outcome == RIA_ABSENT ? "no AWS credentials" : "memory");
        assert_int_equal(ria_heap_live(), live);
    }
}

/* libcrypto allocates its SHA-256 at the first use. That allocation is not tested. */
static int warm_up(void **state)
{
    (void)state;
    uint8_t digest[RIA_SHA256_LEN];
    struct ria_error err;
    return ria_sha256("", 0, digest, &err) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_a_secret_in_a_freed_block_is_found),
        cmocka_unit_test(no_freed_block_contains_a_secret),
        cmocka_unit_test(no_secret_stays_on_the_stack_but_a_planted_one_does),
        cmocka_unit_test(every_allocation_failure_is_handled),
        cmocka_unit_test(without_memory_absence_or_the_lack_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
