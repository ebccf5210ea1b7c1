/* SPDX-License-Identifier: MIT
 *
 * The values of RDS_IAM_LOG, and the two forms of a log line: on stderr and in a file. */
#include "base/log_line.h"

#include "unit.h"

static void each_value_has_its_meaning(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *value;
        struct ria_log_setting setting;
    } rows[] = {
        {"not set", NULL, {.is_on = false}},
        {"empty", "", {.is_on = false}},
        {"zero", "0", {.is_on = false}},
        {"zero with a file", "0:/log", {.is_on = false}},
        {"warning", "warning", {true, RIA_LOG_WARNING, NULL, false, false}},
        {"info", "info", {true, RIA_LOG_INFO, NULL, false, false}},
        {"debug", "debug", {true, RIA_LOG_DEBUG, NULL, false, false}},
        {"capitals", "Debug", {true, RIA_LOG_DEBUG, NULL, false, false}},
        {"one means info", "1", {true, RIA_LOG_INFO, NULL, false, false}},
        {"another number", "2", {true, RIA_LOG_INFO, NULL, true, false}},
        {"two zeros", "00", {true, RIA_LOG_INFO, NULL, true, false}},
        {"the beginning of a level", "warn", {true, RIA_LOG_INFO, NULL, true, false}},
        {"a level and more", "debugging", {true, RIA_LOG_INFO, NULL, true, false}},
        {"a blank before the level", " debug", {true, RIA_LOG_INFO, NULL, true, false}},
        {"a file", "warning:/a/b", {true, RIA_LOG_WARNING, "/a/b", false, false}},
        {"a file with a colon", "debug:/a:b", {true, RIA_LOG_DEBUG, "/a:b", false, false}},
        {"one, with a file", "1:/a", {true, RIA_LOG_INFO, "/a", false, false}},
        {"a relative path", "debug:a/b", {true, RIA_LOG_DEBUG, NULL, false, true}},
        {"a colon without a file", "debug:", {true, RIA_LOG_DEBUG, NULL, false, true}},
        {"a file without a level", ":/a", {true, RIA_LOG_INFO, "/a", true, false}},
        {"a path alone", "/a", {true, RIA_LOG_INFO, NULL, true, false}},
    };
    for_each_row(row, rows, row->name) {
        struct ria_log_setting setting;
        const struct ria_log_setting *expected = &row->setting;
        expect_number(row->name, ria_log_setting_parse(row->value, &setting), expected->is_on);
        expect_number(row->name, setting.is_on, expected->is_on);
        expect_number(row->name, setting.level, expected->level);
        expect_number(row->name, setting.is_unknown_level, expected->is_unknown_level);
        expect_number(row->name, setting.is_relative_path, expected->is_relative_path);
        expect_text(
            row->name,
            setting.path == NULL ? "none" : setting.path,
            expected->path == NULL ? "none" : expected->path);
    }
}

static void each_level_has_its_form(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct ria_log_line line;
        const char *on_stderr;
        const char *in_file;
    } rows[] = {
        {"warning",
         {"psql", RIA_LOG_WARNING, "a text", 1787402096, 7},
         "psql: warning: a text\n",
         "2026-08-22T12:34:56Z rds-iam[7] psql warning: a text\n"},
        {"info",
         {"psql", RIA_LOG_INFO, "a text", 1787402096, 7},
         "psql: a text\n",
         "2026-08-22T12:34:56Z rds-iam[7] psql info: a text\n"},
        {"debug",
         {"psql", RIA_LOG_DEBUG, "a text", 1787402096, 7},
         "psql: debug: a text\n",
         "2026-08-22T12:34:56Z rds-iam[7] psql debug: a text\n"},
        {"a title in argv[0]",
         {"postgres: alice shop", RIA_LOG_INFO, "x", 0, 1},
         "postgres: x\n",
         "1970-01-01T00:00:00Z rds-iam[1] postgres info: x\n"},
        {"no name",
         {"", RIA_LOG_INFO, "x", 0, 1},
         "?: x\n",
         "1970-01-01T00:00:00Z rds-iam[1] ? info: x\n"},
        {"a line break in the text",
         {"a", RIA_LOG_INFO, "x\ny\x1b", 0, 1},
         "a: x?y?\n",
         "1970-01-01T00:00:00Z rds-iam[1] a info: x?y?\n"},
    };
    for_each_row(row, rows, row->name) {
        char whole[RIA_LOG_WHOLE_MAX];
        expect_number(
            row->name, ria_log_line_for_stderr(&row->line, whole), strlen(row->on_stderr));
        expect_text(row->name, whole, row->on_stderr);
        expect_number(row->name, ria_log_line_for_file(&row->line, whole), strlen(row->in_file));
        expect_text(row->name, whole, row->in_file);
    }
}

static void a_long_text_is_cut_and_the_line_still_ends(void **state)
{
    (void)state;
    char text[3000];
    char whole[RIA_LOG_WHOLE_MAX];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    const struct ria_log_line line = {.program = text, .level = RIA_LOG_DEBUG, .text = text};
    size_t lens[] = {
        ria_log_line_for_stderr(&line, whole),
        ria_log_line_for_file(&line, whole),
    };
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        assert_in_range(lens[i], RIA_LOG_LINE_MAX, RIA_LOG_WHOLE_MAX - 1);
    }
    assert_int_equal(strlen(whole), lens[1]);
    assert_int_equal(whole[lens[1] - 1], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_has_its_meaning),
        cmocka_unit_test(each_level_has_its_form),
        cmocka_unit_test(a_long_text_is_cut_and_the_line_still_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
