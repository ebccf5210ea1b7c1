/* SPDX-License-Identifier: MIT
 *
 * Functions of libc's behind ours, in a program that has three of its own. */
#include "interpose/next.h"

#include "unit.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

enum {
    OURS = -7
};

#define OURS_IS_SEEN __attribute__((visibility("default")))

OURS_IS_SEEN pid_t getppid(void)
{
    return OURS;
}

OURS_IS_SEEN uid_t getuid(void)
{
    return (uid_t)OURS;
}

OURS_IS_SEEN gid_t getgid(void)
{
    return (gid_t)OURS;
}

enum {
    GETPPID,
    MISSING,
    GETUID,
    GETGID,
};

struct ria_next ria_next_functions[] = {
    [GETPPID] = {.name = "getppid"},
    [MISSING] = {.name = "ria_no_libc_has_this"},
    [GETUID] = {.name = "getuid"},
    [GETGID] = {.name = "getgid"},
    {.name = NULL},
};

/* Before any test calls a function of this room. */
static struct {
    void *found[RIA_COUNT(ria_next_functions)];
    bool has_error;
} at_start;

static void they_are_found_when_the_object_is_loaded(void **state)
{
    (void)state;
    assert_non_null(at_start.found[GETPPID]);
    assert_non_null(at_start.found[GETUID]); /* behind a name that is missing */
    assert_non_null(at_start.found[GETGID]);
    assert_null(at_start.found[MISSING]);
}

static void a_missing_name_leaves_no_error_to_the_program(void **state)
{
    (void)state;
    assert_false(at_start.has_error);
}

static void what_is_found_is_libcs_and_not_ours(void **state)
{
    (void)state;
    static const size_t places[] = {GETPPID, GETUID, GETGID};
    for_each_row(place, places, NULL) {
        unsigned (*function)(void);
        struct ria_next *next = &ria_next_functions[*place];
        void *found = ria_next_function(next);
        memcpy(&function, &found, sizeof(function));
        expect(next->name, function() != (unsigned)OURS);
    }
    assert_int_equal(getppid(), OURS); /* the control: the program's calls come to ours */
}

static void a_lookup_is_done_once(void **state)
{
    (void)state;
    struct ria_next known = {.name = "getppid", .found = &known};
    assert_ptr_equal(ria_next_function(&known), &known);
    struct ria_next unknown = {.name = "getpgrp"};
    void *found = ria_next_function(&unknown);
    assert_non_null(found);
    assert_ptr_equal(unknown.found, found);
}

static void what_is_missing_is_null(void **state)
{
    (void)state;
    assert_null(ria_next_function(&ria_next_functions[MISSING]));
}

int main(void)
{
    for (size_t i = 0; i < RIA_COUNT(ria_next_functions); i++) {
        at_start.found[i] = ria_next_functions[i].found;
    }
    at_start.has_error = dlerror() != NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_found_when_the_object_is_loaded),
        cmocka_unit_test(a_missing_name_leaves_no_error_to_the_program),
        cmocka_unit_test(what_is_found_is_libcs_and_not_ours),
        cmocka_unit_test(a_lookup_is_done_once),
        cmocka_unit_test(what_is_missing_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
