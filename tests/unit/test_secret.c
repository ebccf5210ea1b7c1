/* SPDX-License-Identifier: MIT
 *
 * Memory for secrets: the mapping that contains them, the wiping, and the limits. */
#include "base/secret.h"

#include "mapping.h"
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECRET "canary-of-a-secret-that-is-kept"

enum {
    UNIT = 4096,  /* bytes; the mapping is divided into units of this size */
    USUAL = 2000, /* bytes of a record with a session token */
};

/* Runs a function in a child process, because each process creates its mapping only once. */
static void in_a_child(void (*run)(void))
{
    int status = -1;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        run();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "# not so: %s\n", #condition);                                   \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static void without_address_space(void)
{
    struct ria_secret secret = {0};
    const struct rlimit limit = {1, 1};
    must(setrlimit(RLIMIT_AS, &limit) == 0);
    errno = EILSEQ;
    must(!ria_secret_keep(&secret, SECRET, sizeof(SECRET)));
    must(errno == EILSEQ);
    must(secret.data == NULL && secret.len == 0);
    ria_secret_wipe(&secret);
}

static void without_a_mapping_no_secret_is_stored(void **state)
{
    (void)state;
    in_a_child(without_address_space);
    assert_null(ria_mapping_find().data); /* the mapping of the child is not in this process */
}

static void the_mapping_has_guard_pages_and_is_not_dumped(void **state)
{
    (void)state;
    struct ria_secret secret = {0};
    assert_true(ria_secret_keep(&secret, SECRET, sizeof(SECRET)));
    struct ria_mapping found = ria_mapping_find();
    assert_non_null(found.data);
    assert_false(found.is_dumped);
    assert_true(found.is_between_walls);
    assert_ptr_equal(secret.data, found.data);
    assert_int_equal(ria_mapping_count(SECRET, sizeof(SECRET)), 1);
    ria_secret_wipe(&secret);
    assert_null(secret.data);
    assert_int_equal(ria_mapping_count(SECRET, sizeof(SECRET)), 0);
}

static void three_secrets(void)
{
    char bytes[USUAL] = "x";
    struct ria_secret secrets[3] = {{0}};
    for (size_t i = 0; i < RIA_COUNT(secrets); i++) {
        must(ria_secret_keep(&secrets[i], bytes, sizeof(bytes)));
        must(secrets[i].data == secrets[0].data + (i * UNIT));
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t all = ((RIA_COUNT(secrets) * UNIT) + page - 1) / page * page;
    must(ria_mapping_find().resident <= all);
    for (size_t i = 0; i < RIA_COUNT(secrets); i++) {
        ria_secret_wipe(&secrets[i]);
    }
}

/* Runs in a child that has no mapping yet: other tests read the whole mapping, and on some kernels
 * a read makes a page resident. */
static void a_typical_secret_takes_one_unit(void **state)
{
    (void)state;
    in_a_child(three_secrets);
}

static void a_replaced_secret_leaves_no_bytes(void **state)
{
    (void)state;
    struct ria_secret secret = {0};
    assert_true(ria_secret_keep(&secret, SECRET, sizeof(SECRET)));
    assert_true(ria_secret_keep(&secret, "short", 5));
    assert_int_equal(ria_mapping_count(&SECRET[5], sizeof(SECRET) - 5), 0);
    static char too_long[RIA_SECRET_MAX + 1] = "x";
    assert_true(ria_secret_keep(&secret, SECRET, sizeof(SECRET)));
    assert_false(ria_secret_keep(&secret, too_long, sizeof(too_long)));
    assert_null(secret.data);
    assert_false(ria_secret_keep(&secret, too_long, 0));
    assert_int_equal(ria_mapping_count(SECRET, sizeof(SECRET)), 0);
}

/* Three times, stores secrets of several sizes until the mapping is full, and then wipes all except
 * every third. Each secret consists of one byte value, which differs from that of its neighbours.
 */
static void secrets_do_not_overlap(void **state)
{
    (void)state;
    enum {
        COUNT = RIA_SECRETS_MAX / UNIT
    };
    static const size_t sizes[] = {1, UNIT, UNIT + 1, 16 * UNIT, USUAL, (16 * UNIT) - 1, 5 * UNIT};
    static struct ria_secret secrets[COUNT];
    static char bytes[RIA_SECRET_MAX];
    for (int round = 0; round < 3; round++) {
        size_t kept = 0;
        for (size_t i = 0; i < COUNT; i++) {
            size_t len = sizes[i % RIA_COUNT(sizes)];
            memset(bytes, (int)(i % 255) + 1, len);
            if (secrets[i].data == NULL) {
                (void)ria_secret_keep(&secrets[i], bytes, len);
            }
            kept += secrets[i].data != NULL ? 1 : 0;
        }
        assert_in_range(kept, 32, COUNT - 1);
        for (size_t i = 0; i < COUNT; i++) {
            if (secrets[i].data == NULL) {
                continue;
            }
            memset(bytes, (int)(i % 255) + 1, secrets[i].len);
            assert_int_equal(memcmp(bytes, secrets[i].data, secrets[i].len), 0);
            if (i % 3 != (size_t)round) {
                ria_secret_wipe(&secrets[i]);
            }
        }
    }
    for (size_t i = 0; i < COUNT; i++) {
        ria_secret_wipe(&secrets[i]);
    }
    const char *data = ria_mapping_find().data;
    for (size_t i = 0; i < RIA_SECRETS_MAX; i++) {
        assert_int_equal(data[i], 0);
    }
    /* The whole mapping can be allocated again. */
    for (size_t i = 0; i < RIA_SECRETS_MAX / RIA_SECRET_MAX; i++) {
        assert_true(ria_secret_keep(&secrets[i], bytes, RIA_SECRET_MAX));
    }
    for (size_t i = 0; i < RIA_SECRETS_MAX / RIA_SECRET_MAX; i++) {
        ria_secret_wipe(&secrets[i]);
    }
}

static struct ria_secret shared;

static void use_what_the_parent_has(void)
{
    struct ria_secret own = {0};
    must(memcmp(shared.data, SECRET, sizeof(SECRET)) == 0);
    must(ria_secret_keep(&own, "own", 4));
    must(own.data != shared.data);
    must(!ria_mapping_find().is_dumped);
    ria_secret_wipe(&shared);
    ria_secret_wipe(&own);
    must(ria_mapping_count(SECRET, sizeof(SECRET)) == 0);
}

static void a_forked_child_has_its_own_copy(void **state)
{
    (void)state;
    assert_true(ria_secret_keep(&shared, SECRET, sizeof(SECRET)));
    in_a_child(use_what_the_parent_has);
    assert_int_equal(memcmp(shared.data, SECRET, sizeof(SECRET)), 0);
    ria_secret_wipe(&shared);
}

static void *keep_and_wipe(void *argument)
{
    const char *mark = argument;
    struct ria_secret secrets[4] = {{0}};
    char bytes[3 * UNIT];
    memset(bytes, *mark, sizeof(bytes));
    for (size_t i = 0; i < 2000; i++) {
        struct ria_secret *secret = &secrets[i % RIA_COUNT(secrets)];
        size_t len = 1 + ((i * 977) % sizeof(bytes));
        if (!ria_secret_keep(secret, bytes, len) || memcmp(secret->data, bytes, len) != 0) {
            return argument;
        }
    }
    for (size_t i = 0; i < RIA_COUNT(secrets); i++) {
        if (memcmp(secrets[i].data, bytes, secrets[i].len) != 0) {
            return argument;
        }
        ria_secret_wipe(&secrets[i]);
    }
    return NULL;
}

static void many_threads_at_once(void)
{
    static char marks[] = "abcdefgh";
    pthread_t threads[sizeof(marks) - 1];
    void *failed = NULL;
    for (size_t i = 0; i < RIA_COUNT(threads); i++) {
        must(pthread_create(&threads[i], NULL, keep_and_wipe, &marks[i]) == 0);
    }
    for (size_t i = 0; i < RIA_COUNT(threads); i++) {
        must(pthread_join(threads[i], &failed) == 0);
        must(failed == NULL);
    }
    const char *data = ria_mapping_find().data;
    must(data != NULL);
    for (size_t i = 0; i < RIA_SECRETS_MAX; i++) {
        must(data[i] == 0);
    }
}

/* Runs in a child that has no mapping yet: all threads try to create it at the same time. */
static void threads_share_the_mapping(void **state)
{
    (void)state;
    in_a_child(many_threads_at_once);
}

static struct ria_secret *other_secret; /* to be stored during the next mmap() */

/* The linker replaces mmap() with this function, which can do what another thread does. */
void *__real_mmap64(void *at, size_t len, int rights, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t len, int rights, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t len, int rights, int flags, int fd, off_t offset)
{
    struct ria_secret *other = other_secret;
    other_secret = NULL;
    if (other != NULL) {
        must(ria_secret_keep(other, SECRET, sizeof(SECRET)));
    }
    return __real_mmap64(at, len, rights, flags, fd, offset);
}

static void while_another_thread_creates_the_mapping(void)
{
    struct ria_secret secrets[2] = {{0}};
    other_secret = &secrets[1];
    must(ria_secret_keep(&secrets[0], SECRET, sizeof(SECRET)));
    must(other_secret == NULL);
    must(ria_mapping_count(SECRET, sizeof(SECRET)) == 2);
    ria_secret_wipe(&secrets[0]);
    must(ria_mapping_count(SECRET, sizeof(SECRET)) == 1);
    ria_secret_wipe(&secrets[1]);
    must(ria_mapping_count(SECRET, sizeof(SECRET)) == 0);
}

static void two_threads_that_create_the_mapping_share_it(void **state)
{
    (void)state;
    in_a_child(while_another_thread_creates_the_mapping);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_mapping_no_secret_is_stored),
        cmocka_unit_test(two_threads_that_create_the_mapping_share_it),
        cmocka_unit_test(threads_share_the_mapping),
        cmocka_unit_test(a_typical_secret_takes_one_unit),
        cmocka_unit_test(the_mapping_has_guard_pages_and_is_not_dumped),
        cmocka_unit_test(a_replaced_secret_leaves_no_bytes),
        cmocka_unit_test(secrets_do_not_overlap),
        cmocka_unit_test(a_forked_child_has_its_own_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
