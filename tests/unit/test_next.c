/* SPDX-License-Identifier: MIT
 *
 * The search for the libc functions that a preload's functions of the same name replace. This
 * program replaces three functions. */
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

/* The state that main() found before any test called one of the functions. */
static struct {
    void *found[RIA_COUNT(ria_next_functions)];
    bool has_error;
} at_start;

static void functions_are_found_when_the_object_is_loaded(void **state)
{
    (void)state;
    assert_non_null(at_start.found[GETPPID]);
    assert_non_null(at_start.found[GETUID]); /* its row follows MISSING */
    assert_non_null(at_start.found[GETGID]);
    assert_null(at_start.found[MISSING]);
}

static void a_missing_function_leaves_no_dlerror(void **state)
{
    (void)state;
    assert_false(at_start.has_error);
}

static void the_functions_of_libc_are_found_and_not_the_replacements(void **state)
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
    assert_int_equal(getppid(), OURS); /* control: calls of the program reach the replacement */
}

static void each_function_is_looked_up_once(void **state)
{
    (void)state;
    struct ria_next known = {.name = "getppid", .found = &known};
    assert_ptr_equal(ria_next_function(&known), &known);
    struct ria_next unknown = {.name = "getpgrp"};
    void *found = ria_next_function(&unknown);
    assert_non_null(found);
    assert_ptr_equal(unknown.found, found);
}

static void a_missing_function_is_null(void **state)
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
        cmocka_unit_test(functions_are_found_when_the_object_is_loaded),
        cmocka_unit_test(a_missing_function_leaves_no_dlerror),
        cmocka_unit_test(the_functions_of_libc_are_found_and_not_the_replacements),
        cmocka_unit_test(each_function_is_looked_up_once),
        cmocka_unit_test(a_missing_function_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
