/* SPDX-License-Identifier: MIT
 *
 * Which of several services of one name libpq reads, and whether two paths lead to one passfile. */
#include "service/index.h"
#include "service/passfile_path.h"

#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERVICE(name_, line_)                                                                      \
    {                                                                                              \
        .name = (name_), .line = (line_)                                                           \
    }

static void the_first_one_of_a_name_counts_over_both_files(void **state)
{
    (void)state;
    struct ria_service home[] = {SERVICE("b", 1), SERVICE("a", 5), SERVICE("b", 9)};
    struct ria_service system[] = {
        SERVICE("a", 1), SERVICE("c", 2), SERVICE("b", 3), SERVICE("c", 4)};
    const struct ria_service_file files[] = {
        {.services = home, .count = RIA_COUNT(home)},
        {.services = system, .count = RIA_COUNT(system)},
    };
    static const struct {
        const char *name;
        size_t file;
        unsigned line;
        size_t first_file;
        unsigned first_line;
    } rows[] = {
        {"a", 0, 5, 0, 5},
        {"a", 1, 1, 0, 5},
        {"b", 0, 1, 0, 1},
        {"b", 0, 9, 0, 1},
        {"b", 1, 3, 0, 1},
        {"c", 1, 2, 1, 2},
        {"c", 1, 4, 1, 2},
    };
    RIA_AUTO(service_index) index = {0};
    assert_true(ria_service_index_make(files, RIA_COUNT(files), &index));
    expect_number("every service", index.count, RIA_COUNT(rows));
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        const struct ria_service_place *place = &index.places[i];
        expect_text("by name", place->service->name, rows[i].name);
        expect_number(rows[i].name, place->file == &files[rows[i].file], 1);
        expect_number(rows[i].name, place->service->line, rows[i].line);
        expect_number(rows[i].name, place->first->file == &files[rows[i].first_file], 1);
        expect_number(rows[i].name, place->first->service->line, rows[i].first_line);
    }
}

static void no_file_is_no_service(void **state)
{
    (void)state;
    RIA_AUTO(service_index) index = {0};
    assert_true(ria_service_index_make(NULL, 0, &index));
    expect_number("none", index.count, 0);
}

/* In a directory of its own: one/pass is not there, two is a link to one, three to one/pass. */
static void paths_are_compared_behind_their_links(void **state)
{
    (void)state;
    char directory[] = RIA_SCRATCH "/passfile-XXXXXX";
    static const struct {
        const char *sentence;
        const char *path;
        const char *other;
        bool is_same;
    } rows[] = {
        {"itself", "one/pass", "one/pass", true},
        {"a link in front", "two/pass", "one/pass", true},
        {"the other way round", "one/pass", "two/pass", true},
        {"a link to it", "three", "one/pass", true},
        {"one link and another", "three", "two/pass", true},
        {"a way back", "one/../two/pass", "one/pass", true},
        {"another name", "one/other", "one/pass", false},
        {"a longer name", "one/pass2", "one/pass", false},
        {"another directory", "pass", "one/pass", false},
        {"a directory that is not there", "none/pass", "none2/pass", false},
        {"a link to itself", "loop", "one/pass", false},
    };
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    assert_int_equal(mkdir("one", 0700), 0);
    assert_int_equal(symlink("one", "two"), 0);
    assert_int_equal(symlink("one/pass", "three"), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        char path[PATH_MAX];
        char other[PATH_MAX];
        (void)snprintf(path, sizeof(path), "%s/%s", directory, rows[i].path);
        (void)snprintf(other, sizeof(other), "%s/%s", directory, rows[i].other);
        expect_number(rows[i].sentence, ria_passfile_is_same(path, other), rows[i].is_same);
    }
    expect("a relative path", !ria_passfile_is_same("one/pass", directory));
    assert_int_equal(unlink("loop") | unlink("three") | unlink("two") | rmdir("one"), 0);
    assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_one_of_a_name_counts_over_both_files),
        cmocka_unit_test(no_file_is_no_service),
        cmocka_unit_test(paths_are_compared_behind_their_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
