/* SPDX-License-Identifier: MIT
 *
 * The record of the options that are set on handles of libmariadb and libmysqlclient. Entries are
 * created, changed and removed. Also tests more handles than the table has room for, several
 * threads, a forked child, and a process that can allocate no memory. */
#include "preload/handle_record.h"

#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MANY = 100 * 1000,
    THREADS = 8,
    TURNS = 2000,
    STEP = 1272, /* the size of a handle of libmariadb */
};

/* Returns the address of an imaginary handle. No object is at this address. */
static const void *nth(size_t number)
{
    return (const void *)(uintptr_t)(0x10000 + (number * STEP)); /* NOLINT */
}

static uint32_t flags_of(const void *handle)
{
    uint32_t flags = 0;
    return ria_handle_read(handle, &flags) ? flags : UINT32_MAX;
}

/* Runs in a child, which has no table yet. Returns whether a handle gets an entry only when memory
 * is available. */
static bool is_right_without_memory(void)
{
    struct rlimit before;
    struct rlimit none = {0};
    bool is_limited = getrlimit(RLIMIT_AS, &before) == 0;
    none.rlim_max = before.rlim_max;
    is_limited = is_limited && setrlimit(RLIMIT_AS, &none) == 0;
    errno = 7;
    bool has_entry = ria_handle_begin(nth(1)) || flags_of(nth(1)) != UINT32_MAX;
    bool is_errno_kept = errno == 7;
    return is_limited && !has_entry && is_errno_kept && setrlimit(RLIMIT_AS, &before) == 0 &&
           ria_handle_begin(nth(1)) && flags_of(nth(1)) == 0;
}

static void without_memory_a_handle_gets_no_entry(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        _exit(is_right_without_memory() ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static const void *other_handle; /* to be begun during the next mmap() */

/* The linker replaces mmap() with this function, which can do what another thread does. */
void *__real_mmap64(void *at, size_t len, int rights, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t len, int rights, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t len, int rights, int flags, int fd, off_t offset)
{
    const void *other = other_handle;
    other_handle = NULL;
    if (other != NULL) {
        (void)ria_handle_begin(other);
        ria_handle_change(other, RIA_SET_TCP, RIA_SET_TCP);
    }
    return __real_mmap64(at, len, rights, flags, fd, offset);
}

/* Runs in a child, which has no table yet. */
static bool is_one_table_shared(void)
{
    other_handle = nth(2);
    return ria_handle_begin(nth(1)) && other_handle == NULL && flags_of(nth(1)) == 0 &&
           flags_of(nth(2)) == RIA_SET_TCP;
}

static void a_table_that_another_thread_makes_first_is_used(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        _exit(is_one_table_shared() ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static pthread_barrier_t all_are_ready;

static void *begin_first_handle(void *argument)
{
    (void)pthread_barrier_wait(&all_are_ready);
    return ria_handle_begin(argument) ? NULL : argument;
}

/* The table is allocated for the first handle. Runs in a child, which has no table yet. */
static bool do_first_handles_share_a_table(void)
{
    pthread_t threads[THREADS];
    bool is_right = pthread_barrier_init(&all_are_ready, NULL, THREADS) == 0;
    for (size_t i = 0; i < THREADS; i++) {
        void *handle = (void *)(uintptr_t)nth(i); /* NOLINT */
        is_right = pthread_create(&threads[i], NULL, begin_first_handle, handle) == 0 && is_right;
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        is_right = pthread_join(threads[i], &wrong) == 0 && wrong == NULL && is_right;
    }
    for (size_t i = 0; i < THREADS; i++) {
        is_right = flags_of(nth(i)) == 0 && is_right;
    }
    return is_right;
}

static void the_first_handles_of_several_threads_are_in_one_table(void **state)
{
    (void)state;
    enum {
        CHILDREN = 100
    };
    for (int i = 0; i < CHILDREN; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            _exit(do_first_handles_share_a_table() ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

static void an_entry_exists_from_begin_to_end(void **state)
{
    (void)state;
    const void *handle = nth(1);
    expect_number("no entry", flags_of(handle), UINT32_MAX);
    ria_handle_change(handle, 0, RIA_SET_CA_FILE);
    expect_number("a change without an entry", flags_of(handle), UINT32_MAX);
    expect("created", ria_handle_begin(handle));
    expect_number("nothing is set", flags_of(handle), 0);
    ria_handle_change(handle, 0, RIA_SET_CA_FILE | RIA_SET_TCP);
    ria_handle_change(handle, RIA_SET_TCP, RIA_OURS_VERIFICATION);
    expect_number("changed", flags_of(handle), RIA_SET_CA_FILE | RIA_OURS_VERIFICATION);
    expect("created again", ria_handle_begin(handle));
    expect_number("nothing is set again", flags_of(handle), 0);
    ria_handle_end(handle);
    ria_handle_end(handle);
    expect_number("removed", flags_of(handle), UINT32_MAX);
}

static void a_null_handle_has_no_entry(void **state)
{
    (void)state;
    uint32_t flags = 7;
    expect("NULL has no entry", !ria_handle_read(NULL, &flags));
    ria_handle_change(NULL, 0, RIA_SET_TCP);
    ria_handle_end(NULL);
}

static void handles_beyond_the_limit_get_no_entry(void **state)
{
    (void)state;
    size_t with_entry = 0;
    bool *has_entry = calloc(MANY, sizeof(*has_entry));
    assert_non_null(has_entry);
    for (size_t i = 0; i < MANY; i++) {
        has_entry[i] = ria_handle_begin(nth(i));
        ria_handle_change(nth(i), 0, (uint32_t)i & UINT16_MAX);
    }
    for (size_t i = 0; i < MANY; i++) {
        uint32_t expected = has_entry[i] ? (uint32_t)i & UINT16_MAX : UINT32_MAX;
        assert_int_equal(flags_of(nth(i)), expected);
        with_entry += has_entry[i] ? 1 : 0;
        ria_handle_end(nth(i));
    }
    free(has_entry);
    expect("most of the table is used", with_entry > 16000 && with_entry <= 16384);
    expect("the table has room again", ria_handle_begin(nth(MANY + 1)));
    ria_handle_end(nth(MANY + 1));
}

static void all_handles_get_entries_if_half_of_the_table_is_used(void **state)
{
    (void)state;
    enum {
        HALF = 8192
    };
    for (size_t i = 0; i < HALF; i++) {
        assert_true(ria_handle_begin(nth(i)));
    }
    for (size_t i = 0; i < HALF; i++) {
        ria_handle_end(nth(i));
    }
}

static void *use_own_handles(void *argument)
{
    size_t first = (size_t)(uintptr_t)argument * TURNS;
    for (size_t i = first; i < first + TURNS; i++) {
        uint32_t own = (uint32_t)i & UINT16_MAX;
        bool is_right = ria_handle_begin(nth(i));
        ria_handle_change(nth(i), 0, own);
        is_right = is_right && flags_of(nth(i)) == own;
        ria_handle_end(nth(i));
        if (!is_right || flags_of(nth(i)) != UINT32_MAX) {
            return argument;
        }
    }
    return NULL;
}

static void threads_use_their_own_handles_at_the_same_time(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        void *number = (void *)(uintptr_t)(i + 1); /* NOLINT */
        assert_int_equal(pthread_create(&threads[i], NULL, use_own_handles, number), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

static void a_forked_child_changes_only_its_own_record(void **state)
{
    (void)state;
    int status = 0;
    assert_true(ria_handle_begin(nth(1)));
    ria_handle_change(nth(1), 0, RIA_SET_TCP);
    pid_t child = fork();
    if (child == 0) {
        bool is_right = flags_of(nth(1)) == RIA_SET_TCP && ria_handle_begin(nth(2));
        ria_handle_end(nth(1));
        _exit(is_right ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    expect_number("the parent's entry is unchanged", flags_of(nth(1)), RIA_SET_TCP);
    expect_number("the child's new entry is not in the parent", flags_of(nth(2)), UINT32_MAX);
    ria_handle_end(nth(1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* The first three tests need a process that has no table yet. */
        cmocka_unit_test(without_memory_a_handle_gets_no_entry),
        cmocka_unit_test(a_table_that_another_thread_makes_first_is_used),
        cmocka_unit_test(the_first_handles_of_several_threads_are_in_one_table),
        cmocka_unit_test(an_entry_exists_from_begin_to_end),
        cmocka_unit_test(a_null_handle_has_no_entry),
        cmocka_unit_test(handles_beyond_the_limit_get_no_entry),
        cmocka_unit_test(all_handles_get_entries_if_half_of_the_table_is_used),
        cmocka_unit_test(threads_use_their_own_handles_at_the_same_time),
        cmocka_unit_test(a_forked_child_changes_only_its_own_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
