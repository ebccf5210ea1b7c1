/* SPDX-License-Identifier: MIT
 *
 * add_variables() of the process's world (base/world.h) appends all environment variables whose
 * names begin with a prefix, sorted. The name of a cache entry depends on them. */
#include "rds_iam.h"

#include "unit.h"

#include <stdlib.h>

static void variables_of_a_prefix_come_in_byte_order(void **state)
{
    (void)state;
    const struct ria_world *world = ria_process_world();
    RIA_AUTO(buf) out = {.max = 100};
    static const char want[] = "RIA_X=\0RIA_X_A=1\0RIA_X_B=2";
    assert_int_equal(setenv("RIA_X_B", "2", 1) | setenv("RIA_X", "", 1), 0);
    assert_int_equal(setenv("RIA_Y", "3", 1) | setenv("RIA_X_A", "1", 1), 0);
    world->add_variables(world->self, "RIA_X", &out);
    assert_int_equal(out.len, sizeof(want));
    assert_memory_equal(out.data, want, sizeof(want));
}

/* Returns the name of one of a hundred variables. */
static const char *numbered(unsigned number)
{
    static char name[32];
    (void)snprintf(name, sizeof(name), "RIA_MANY_%02u", number % 100);
    return name;
}

static void any_number_of_variables_comes_in_byte_order(void **state)
{
    (void)state;
    static const unsigned counts[] = {31, 32, 33, 99};
    const struct ria_world *world = ria_process_world();
    unsigned set = 0;
    for_each_row(count, counts, NULL) {
        RIA_AUTO(buf) out = {.max = 4096};
        RIA_AUTO(buf) want = {.max = 4096};
        for (; set < *count; set++) {
            assert_int_equal(setenv(numbered(set * 37), "v", 1), 0);
        }
        for (unsigned number = 0; number < 100; number++) {
            if (getenv(numbered(number)) != NULL) {
                ria_buf_add_text(&want, numbered(number));
                ria_buf_add(&want, "=v", sizeof("=v"));
            }
        }
        world->add_variables(world->self, "RIA_MANY_", &out);
        expect_number("length", out.len, *count * sizeof("RIA_MANY_00=v"));
        expect("order", out.len == want.len && memcmp(out.data, want.data, out.len) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_of_a_prefix_come_in_byte_order),
        cmocka_unit_test(any_number_of_variables_comes_in_byte_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
