/* SPDX-License-Identifier: MIT
 *
 * The command line of rds-iam and rds-iam-agent: the text of --help, the values that are stored,
 * and the command that is run. tests/unit/test_tool.py tests the messages about mistakes. */
#include "cli/command_line.h"
#include "cli/help_text.h"
#include "cli/output.h"

#include "unit.h"

struct arguments {
    const char *file;
    const char *name;
    bool is_quiet;
};

static const struct ria_option options[] = {
    {"file", "FILE", "the file to read", RIA_REQUIRED(struct arguments, file)},
    {"a-name-that-is-long",
     "NAME",
     "this text is broken at a blank, so that no line has more than 80 characters; the next line "
     "begins below it",
     RIA_VALUE(struct arguments, name)},
    {"quiet", NULL, "print nothing", RIA_FLAG(struct arguments, is_quiet)},
};

static const struct ria_syntax syntax = {
    .usage = "tool read --file FILE\ntool read --quiet\n",
    .about = "Reads.\n",
    .options = options,
    .count = sizeof(options) / sizeof(options[0]),
    .notes = "A note.\n",
};

static int run_read(int argc, char **argv, const struct ria_world *world)
{
    (void)world;
    assert_string_equal(argv[0], "tool read");
    assert_string_equal(argv[1], "--quiet");
    return 40 + argc;
}

static int run_write(int argc, char **argv, const struct ria_world *world)
{
    (void)argc;
    (void)argv;
    (void)world;
    return 1;
}

static const struct ria_command_row rows[] = {
    {"write", "write it", run_write},
    {"read", "read it", run_read},
};

static const struct ria_command_group group = {
    .name = "tool",
    .noun = "command",
    .syntax = {.usage = "tool COMMAND\n", .about = "Reads and writes.\n"},
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
};

static void the_help_text_of_a_command_lists_its_options(void **state)
{
    (void)state;
    RIA_AUTO(buf) text = {.max = 4096};
    ria_help_of_command(&syntax, &text);
    assert_string_equal(
        ria_buf_text(&text),
        "usage: tool read --file FILE\n"
        "       tool read --quiet\n"
        "\n"
        "Reads.\n"
        "\n"
        "  --file FILE  the file to read\n"
        "  --a-name-that-is-long NAME\n"
        "               this text is broken at a blank, so that no line has more than 80\n"
        "               characters; the next line begins below it\n"
        "  --quiet      print nothing\n"
        "  --help       print this text\n"
        "\n"
        "A note.\n"
        "\n"
        "exit status: 0 (success), 1 (failure, one message on stderr), 2 (usage error)\n");
}

static void the_help_text_of_a_group_lists_its_commands(void **state)
{
    (void)state;
    RIA_AUTO(buf) text = {.max = 4096};
    ria_help_of_group(&group, &text);
    assert_string_equal(
        ria_buf_text(&text),
        "usage: tool COMMAND\n"
        "\n"
        "Reads and writes.\n"
        "\n"
        "commands:\n"
        "  write  write it\n"
        "  read   read it\n"
        "\n"
        "options:\n"
        "  --help  print this text\n");
}

static void a_text_that_does_not_fit_sets_failed(void **state)
{
    (void)state;
    RIA_AUTO(buf) text = {.max = 64};
    ria_help_of_command(&syntax, &text);
    assert_null(ria_buf_text(&text));
}

/* Parses "tool read" and these words. */
static int parse_words(const char *const *words, struct arguments *out)
{
    char text[4][64] = {"tool read"};
    char *argv[5] = {text[0]};
    int argc = 1;
    for (; words[argc - 1] != NULL; argc++) {
        (void)ria_text_copy(text[argc], sizeof(text[argc]), words[argc - 1]);
        argv[argc] = text[argc];
    }
    *out = (struct arguments){0};
    int status = ria_options_parse(argc, argv, &syntax, out);
    out->file = out->file == NULL ? NULL : "set"; /* the array `text` ends here */
    return status;
}

static void values_are_stored_and_invalid_words_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *words[4];
        int status;
        bool has_file;
        bool is_quiet;
    } cases[] = {
        {"a value", {"--file", "a"}, RIA_CONTINUE, true, false},
        {"a value behind an equals sign", {"--file=a"}, RIA_CONTINUE, true, false},
        {"a flag", {"--quiet", "--file=a"}, RIA_CONTINUE, true, true},
        {"a required option is missing", {"--quiet"}, RIA_EXIT_USAGE, false, true},
        {"an empty value", {"--file="}, RIA_EXIT_USAGE, false, false},
        {"a value for a flag", {"--quiet=1", "--file=a"}, RIA_EXIT_USAGE, false, false},
        {"an abbreviation", {"--fil", "a"}, RIA_EXIT_USAGE, false, false},
        {"an abbreviation with a value", {"--fil=a"}, RIA_EXIT_USAGE, false, false},
        {"an abbreviated flag", {"--file=a", "--qui"}, RIA_EXIT_USAGE, true, false},
        {"a value that looks like an option", {"--file", "--quiet"}, RIA_CONTINUE, true, false},
        {"a value that is --", {"--file", "--", "--quiet"}, RIA_CONTINUE, true, true},
        {"nothing after --", {"--file=a", "--"}, RIA_CONTINUE, true, false},
        {"an option after --", {"--file=a", "--", "--quiet"}, RIA_EXIT_USAGE, true, false},
        {"an option after an argument", {"b", "--file=a"}, RIA_EXIT_USAGE, true, false},
        {"the help text after an argument", {"b", "-h"}, RIA_EXIT_OK, false, false},
        {"an unknown option", {"--file=a", "--loud"}, RIA_EXIT_USAGE, true, false},
        {"an argument", {"--file=a", "b"}, RIA_EXIT_USAGE, true, false},
    };
    for_each_row(row, cases, row->name) {
        struct arguments found;
        expect_number("the status", parse_words(row->words, &found), row->status);
        expect("the value is stored", (found.file != NULL) == row->has_file);
        expect("the flag is stored", found.is_quiet == row->is_quiet);
    }
}

static void a_command_is_run_by_its_name(void **state)
{
    (void)state;
    char words[4][8] = {"tool", "read", "--quiet", "x"};
    char *argv[] = {words[0], words[1], words[2], NULL};
    assert_int_equal(ria_command_run(&group, 3, argv, NULL), 42);
    char *unknown[] = {words[0], words[3], NULL};
    assert_int_equal(ria_command_run(&group, 2, unknown, NULL), RIA_EXIT_USAGE);
    assert_int_equal(ria_command_run(&group, 1, unknown, NULL), RIA_EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_help_text_of_a_command_lists_its_options),
        cmocka_unit_test(the_help_text_of_a_group_lists_its_commands),
        cmocka_unit_test(a_text_that_does_not_fit_sets_failed),
        cmocka_unit_test(values_are_stored_and_invalid_words_are_refused),
        cmocka_unit_test(a_command_is_run_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
