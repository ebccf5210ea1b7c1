/* SPDX-License-Identifier: MIT
 *
 * MARIADB_TLS_DISABLE_PEER_VERIFICATION: which libraries may read this variable. The plugin
 * searches for the name of the variable in the object that contains the library's functions. This
 * program contains the name too, as a program does if such a library is linked into it. */
#include "fake_mariadb.h"
#include "library_functions.h"
#include "unit.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME "MARIADB_TLS_DISABLE_PEER_VERIFICATION"

static struct ria_fake_mariadb fake;
static const struct ria_library_functions *reader;    /* reads the variable */
static const struct ria_library_functions *nonreader; /* does not contain the variable's name */
static bool is_other_user;

/* The linker makes all callers of getresuid(), also those in the core, call this function. */
int __real_getresuid(uid_t *real, uid_t *effective, uid_t *saved);
int __wrap_getresuid(uid_t *real, uid_t *effective, uid_t *saved);
int __wrap_getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
    int result = __real_getresuid(real, effective, saved);
    *effective += is_other_user ? 1 : 0;
    return result;
}

static const struct ria_library_functions *open_library(const char *name)
{
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        fail_msg("%s", dlerror());
    }
    const struct ria_library_functions *functions = dlsym(handle, "ria_library_functions");
    assert_non_null(functions);
    return functions;
}

static void use(const struct ria_library_functions *functions)
{
    ria_fake_mariadb_init(&fake);
    if (functions != NULL) {
        fake.api.get_info = functions->get_info;
        fake.api.get_ssl_cipher = functions->get_ssl_cipher;
        fake.api.get_option = functions->get_option;
        fake.methods.set_error = functions->set_error;
    }
}

static bool may_skip(void)
{
    return ria_mariadb_may_skip_verification(&fake.mysql);
}

static void set(const char *value)
{
    (void)(value == NULL ? unsetenv(NAME) : setenv(NAME, value, 1));
}

static void the_variable_has_the_same_effect_as_in_the_library(void **state)
{
    (void)state;
    static const char *const values[] = {"1", "0", "", " ", "no", NULL};
    for_each_row(value, values, *value) {
        set(*value);
        use(reader);
        expect_number(*value == NULL ? "unset" : *value, may_skip(), reader->skips_verification());
        expect_number("control", reader->skips_verification(), *value != NULL);
        use(nonreader);
        expect("a library that does not contain the name", !may_skip());
    }
}

static void a_name_that_is_longer_or_shorter_is_another_variable(void **state)
{
    (void)state;
    static const char *const names[] = {
        NAME "S", "MARIADB_TLS_DISABLE_PEER_VERIFICATIO", "MYSQL_TLS_DISABLE_PEER_VERIFICATION"};
    use(reader);
    for_each_row(name, names, *name) {
        (void)setenv(*name, "1", 1);
        expect(*name, !may_skip());
        (void)unsetenv(*name);
    }
}

static void the_program_is_searched_if_the_library_is_linked_into_it(void **state)
{
    (void)state;
    use(NULL);
    assert_false(may_skip());
    set("1");
    assert_true(may_skip());
    set(NULL);
}

/* A preloaded library may replace some functions of the client library. */
static void functions_may_come_from_several_objects(void **state)
{
    (void)state;
    set("1");
    use(nonreader);
    fake.methods.set_error = reader->set_error;
    assert_true(may_skip());
    use(reader);
    fake.api.get_option = nonreader->get_option;
    fake.api.get_info = nonreader->get_info;
    assert_true(may_skip());
    use(nonreader);
    assert_false(may_skip());
    set(NULL);
}

static void a_library_that_cannot_be_found_counts_as_a_reader_of_the_variable(void **state)
{
    (void)state;
    char *anywhere = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(anywhere, MAP_FAILED);
    use(nonreader);
    memcpy(&fake.api.get_info, &anywhere, sizeof(anywhere));
    memcpy(&fake.api.get_ssl_cipher, &anywhere, sizeof(anywhere));
    memcpy(&fake.api.get_option, &anywhere, sizeof(anywhere));
    memcpy(&fake.methods.set_error, &anywhere, sizeof(anywhere));
    assert_false(may_skip());
    set("1");
    assert_true(may_skip());
    set(NULL);
    (void)munmap(anywhere, 4096);
}

/* In a set-uid program, secure_getenv() hides the variable from the plugin, but the client library
 * may still read it. */
static void in_a_setuid_program_a_reader_of_the_variable_may_skip_verification(void **state)
{
    (void)state;
    is_other_user = true;
    use(reader);
    assert_true(may_skip());
    use(nonreader);
    assert_false(may_skip());
    is_other_user = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_variable_has_the_same_effect_as_in_the_library),
        cmocka_unit_test(a_name_that_is_longer_or_shorter_is_another_variable),
        cmocka_unit_test(the_program_is_searched_if_the_library_is_linked_into_it),
        cmocka_unit_test(functions_may_come_from_several_objects),
        cmocka_unit_test(a_library_that_cannot_be_found_counts_as_a_reader_of_the_variable),
        cmocka_unit_test(in_a_setuid_program_a_reader_of_the_variable_may_skip_verification),
    };
    set(NULL);
    reader = open_library(RIA_LIBRARIES "/library_reader.so");
    nonreader = open_library(RIA_LIBRARIES "/library_nonreader.so");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
