/* SPDX-License-Identifier: MIT
 *
 * The product's dlsym(), linked into this program. Two functions of a client library are replaced:
 * a lookup of one of them must return the replacement function. The library exists in eleven
 * copies. A replacement function calls the function of its copy and adds 1000 to the result. */
#include "interpose/library.h"
#include "interpose/lookup.h"

#include "base/buf.h"

#include "unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    COPIES = 11, /* more than RIA_COPIES_MAX, the number of copies that get replacements */
    OURS = 1000,
};

typedef int client_function(void);

/* -- the interposed functions ---------------------------------------------------------------- */

static const void *marks[RIA_COPIES_MAX];

/* Calls `name` in the copy that the caller's call is meant for. Returns its result, or -1 if there
 * is no such copy. */
static int ask_copy(const void *caller, const char *name)
{
    RIA_AUTO(library) library = {0};
    client_function *real;
    if (!ria_library_find(name, caller, &library) || !ria_library_function(&library, name, &real)) {
        return -1;
    }
    return OURS + real();
}

/* NOLINTBEGIN(bugprone-macro-parentheses) */

#define FUNCTIONS(linkage, suffix, caller)                                                         \
    linkage int client_number##suffix(void)                                                        \
    {                                                                                              \
        return ask_copy(caller, "client_number");                                                  \
    }                                                                                              \
    linkage int client_twice##suffix(void)                                                         \
    {                                                                                              \
        return ask_copy(caller, "client_twice");                                                   \
    }

#define LINKED __attribute__((visibility("default")))

LINKED client_function client_number, client_twice;
FUNCTIONS(LINKED, , __builtin_return_address(0))
FUNCTIONS(static, _0, ria_interposed_mark(marks, 0))
FUNCTIONS(static, _1, ria_interposed_mark(marks, 1))
FUNCTIONS(static, _2, ria_interposed_mark(marks, 2))
FUNCTIONS(static, _3, ria_interposed_mark(marks, 3))
FUNCTIONS(static, _4, ria_interposed_mark(marks, 4))
FUNCTIONS(static, _5, ria_interposed_mark(marks, 5))
FUNCTIONS(static, _6, ria_interposed_mark(marks, 6))
FUNCTIONS(static, _7, ria_interposed_mark(marks, 7))

#define OF(name) (ria_any_function *)(name)
#define ALL(name)                                                                                  \
    OF(name##_0), OF(name##_1), OF(name##_2), OF(name##_3), OF(name##_4), OF(name##_5),            \
        OF(name##_6), OF(name##_7)

static const struct ria_interposed_function functions[] = {
    {"client_number", OF(client_number), {ALL(client_number)}},
    {"client_twice", OF(client_twice), {ALL(client_twice)}},
};

/* NOLINTEND(bugprone-macro-parentheses) */

static const struct ria_interposed_list nothing = {.prefix = "else_", .mark = "else_mark"};
static const struct ria_interposed_list list = {
    .prefix = "client_",
    .mark = "client_mark",
    .functions = functions,
    .count = RIA_COUNT(functions),
    .marks = marks,
};

const struct ria_interposed_list *const ria_interposed_lists[] = {&nothing, &list, NULL};

/* -- the copies ------------------------------------------------------------------------------ */

static void *load(const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/client_%s.so", RIA_LIBRARIES, name);
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) {
        fail_msg("%s", dlerror());
    }
    return object;
}

static void *load_copy(unsigned number)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "copy%u", number);
    return load(name);
}

static int call(void *found)
{
    client_function *function;
    memcpy(&function, &found, sizeof(function));
    return found == NULL ? -2 : function();
}

/* -- the tests ------------------------------------------------------------------------------- */

static void expect_ours(void *copy, const char *name, int response)
{
    void *found = dlsym(copy, name);
    expect_number(name, call(found), OURS + response);
    expect(name, dlsym(copy, name) == found);
    expect(name, ria_real_dlsym(copy, name) != found);
}

static void each_copy_gets_its_own_replacement_function(void **state)
{
    (void)state;
    void *copies[3];
    for (unsigned i = 0; i < RIA_COUNT(copies); i++) {
        copies[i] = load_copy(i);
    }
    for (unsigned i = 0; i < RIA_COUNT(copies); i++) {
        expect_ours(copies[i], "client_number", (int)i);
        expect_ours(copies[i], "client_twice", (int)i * 2);
    }
    for (unsigned i = 0; i < RIA_COUNT(copies); i++) {
        (void)dlclose(copies[i]);
    }
}

static void expect_libcs(const char *message, void *handle, const char *name, int response)
{
    void *found = dlsym(handle, name);
    expect_number(message, call(found), response);
    expect(message, found == ria_real_dlsym(handle, name));
}

static void all_other_lookups_return_the_result_of_libc(void **state)
{
    (void)state;
    void *copy = load_copy(1);
    void *wrapper = load("wrapper");
    expect_libcs("a function that is not interposed", copy, "client_other", 101);
    expect_libcs("a wrapper's function of an interposed name", wrapper, "client_number", 7);
    expect_libcs("another function of the wrapper", wrapper, "client_twice", 14);
    expect_libcs("a part of an interposed name", copy, "client_num", -2);
    expect_libcs("an interposed name with a suffix", copy, "client_number2", -2);
    expect_libcs("the prefix", copy, "client_", -2);
    expect_libcs("after the program, with no global copy", RTLD_NEXT, "client_number", -2);
    assert_ptr_equal(dlsym(RTLD_DEFAULT, "getpid"), ria_real_dlsym(RTLD_DEFAULT, "getpid"));
    assert_int_equal(call(dlsym(copy, "client_number")), OURS + 1); /* control */
    (void)dlclose(wrapper);
    (void)dlclose(copy);
}

static void a_lookup_that_finds_the_exported_replacement_returns_that_of_the_copy(void **state)
{
    (void)state;
    void *copy = load_copy(4);
    void *found = dlsym(RTLD_DEFAULT, "client_number");
    assert_int_equal(call(found), OURS + 4);
    assert_ptr_equal(found, dlsym(copy, "client_number"));
    (void)dlclose(copy);
}

static void the_number_of_an_unloaded_copy_is_reused(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < COPIES; i++) {
            void *copy = load_copy(i);
            assert_int_equal(call(dlsym(copy, "client_number")), OURS + i);
            (void)dlclose(copy);
        }
    }
}

static void eight_copies_get_a_number(void **state)
{
    (void)state;
    void *copies[COPIES];
    for (unsigned i = 0; i < COPIES; i++) {
        int ours = i < RIA_COPIES_MAX ? OURS : 0;
        copies[i] = load_copy(i);
        assert_int_equal(call(dlsym(copies[i], "client_number")), ours + (int)i);
    }
    (void)dlclose(copies[2]);
    copies[2] = NULL;
    assert_int_equal(call(dlsym(copies[9], "client_number")), OURS + 9); /* copy 2's number */
    assert_int_equal(call(dlsym(copies[10], "client_number")), 10);      /* no number is left */
    for (unsigned i = 0; i < COPIES; i++) {
        if (copies[i] != NULL) {
            (void)dlclose(copies[i]);
        }
    }
}

static void a_lookup_preserves_errno_and_dlerror(void **state)
{
    (void)state;
    void *copy = load_copy(5);
    (void)dlerror();
    errno = ENOTTY;
    assert_non_null(dlsym(copy, "client_number"));
    assert_int_equal(errno, ENOTTY);
    assert_null(dlerror());
    assert_null(dlsym(copy, "client_none"));
    assert_non_null(dlerror());
    (void)dlclose(copy);
}

static void a_mark_is_released_with_its_copy(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        void *copy = load_copy(i);
        void *found = ria_real_dlsym(copy, "client_number");
        const void *mark = ria_library_mark(copy, "client_mark", found);
        assert_non_null(mark);
        assert_true(ria_library_is_marked(mark));
        assert_null(
            ria_library_mark(copy, "client_mark", (const void *)&list)); /* outside of the copy */
        assert_null(ria_library_mark(copy, "client_none", found));
        (void)dlclose(copy);
        assert_false(ria_library_is_marked(mark));
    }
}

/* Calls `name` in a child of fork(), which searches the mapped files. Returns 0 if copy 6's
 * client_number() was called, or another function with the same result. */
static int call_in_child(const char *name)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        _exit(ask_copy(&list, name) == OURS + 6 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void copy_file(const char *from, const char *to)
{
    struct stat status;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRWXU);
    assert_true(in >= 0 && out >= 0);
    assert_int_equal(fstat(in, &status), 0);
    assert_int_equal(sendfile(out, in, NULL, (size_t)status.st_size), status.st_size);
    (void)close(in);
    (void)close(out);
}

static void a_child_finds_a_library_whose_file_was_replaced(void **state)
{
    (void)state;
    static const char replaced[] = RIA_LIBRARIES "/client_replaced.so";
    copy_file(RIA_LIBRARIES "/client_copy6.so", replaced);
    void *copy = dlopen(replaced, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(copy);
    expect_number("before the file is replaced", call_in_child("client_number"), 0);
    assert_int_equal(unlink(replaced), 0);
    copy_file(RIA_LIBRARIES "/client_copy7.so", replaced);
    expect_number("after the file was replaced", call_in_child("client_number"), 0);
    expect("control: another result", call_in_child("client_twice") != 0);
    (void)dlclose(copy);
    expect("control: the library is not loaded", call_in_child("client_number") != 0);
    (void)unlink(replaced);
}

/* One pass over the loaded objects copies at most PATH_MAX bytes of names, so this search needs
 * several passes. */
static void a_library_behind_many_long_names_is_found(void **state)
{
    (void)state;
    enum {
        OBJECTS = 40
    };
    void *objects[OBJECTS];
    char path[OBJECTS][4096];
    for (unsigned i = 0; i < OBJECTS; i++) {
        (void)snprintf(path[i], sizeof(path[i]), RIA_LIBRARIES "/plain_%0200u.so", i);
        copy_file(RIA_LIBRARIES "/library_nonreader.so", path[i]);
        objects[i] = dlopen(path[i], RTLD_NOW | RTLD_LOCAL);
        assert_non_null(objects[i]);
    }
    assert_int_equal(ask_copy(&list, "client_number"), -1); /* control */
    void *copy = load_copy(6);
    assert_int_equal(ask_copy(&list, "client_number"), OURS + 6);
    (void)dlclose(copy);
    for (unsigned i = 0; i < OBJECTS; i++) {
        (void)dlclose(objects[i]);
        (void)unlink(path[i]);
    }
}

static void a_name_that_no_object_has_is_not_found(void **state)
{
    (void)state;
    RIA_AUTO(library) library = {0};
    void *copy = load_copy(6);
    assert_false(ria_library_find("client_none", &list, &library));
    assert_null(library.handle);
    assert_int_equal(ask_copy(&list, "client_number"), OURS + 6); /* control */
    (void)dlclose(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_copy_gets_its_own_replacement_function),
        cmocka_unit_test(all_other_lookups_return_the_result_of_libc),
        cmocka_unit_test(a_lookup_that_finds_the_exported_replacement_returns_that_of_the_copy),
        cmocka_unit_test(the_number_of_an_unloaded_copy_is_reused),
        cmocka_unit_test(eight_copies_get_a_number),
        cmocka_unit_test(a_lookup_preserves_errno_and_dlerror),
        cmocka_unit_test(a_mark_is_released_with_its_copy),
        cmocka_unit_test(a_child_finds_a_library_whose_file_was_replaced),
        cmocka_unit_test(a_library_behind_many_long_names_is_found),
        cmocka_unit_test(a_name_that_no_object_has_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
