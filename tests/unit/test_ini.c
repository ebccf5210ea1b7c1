/* SPDX-License-Identifier: MIT
 *
 * The ini dialect: which lines are parsed, which cause a warning, and which are rejected. The
 * meaning of sections and keys is tested in test_config_grammar.c and test_config.c. */
#include "codec/ini.h"

#include "unit.h"

#include <stdlib.h>

static bool parse(const char *text, size_t len, struct ria_ini *ini, struct ria_error *err)
{
    RIA_AUTO(buf) buf = {.max = 2 * RIA_INI_TEXT_MAX};
    ria_buf_add(&buf, text, len);
    return ria_ini_parse("f", &buf, ini, err);
}

/* Formats a document as one line: "[s]1 key=value@2 .sub=value@3 !4". The line number of a section
 * follows its ], that of an entry @, and that of a warning !. */
static void render(const struct ria_ini *ini, struct ria_buf *out)
{
    for (size_t i = 0; i < ini->section_count; i++) {
        const struct ria_ini_section *section = &ini->sections[i];
        ria_buf_addf(out, "%s[%s]%u", i == 0 ? "" : " ", section->name, section->line);
        for (size_t j = section->first; j < section->first + section->count; j++) {
            const struct ria_ini_entry *entry = &ini->entries[j];
            const char *dot = entry->is_sub ? "." : "";
            ria_buf_addf(out, " %s%s=%s@%u", dot, entry->key, entry->value, entry->line);
        }
    }
    for (size_t i = 0; i < ini->warning_count; i++) {
        ria_buf_addf(out, " !%u", ini->warnings[i].line);
    }
}

static void texts_are_parsed_by_the_rules_of_the_dialect(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        const char *want;
    } rows[] = {
        {"an empty text", "", ""},
        {"only comments and blank lines", "# a\n; b\n\n  \n\t\n", ""},
        {"the plain form", "[s]\nk = v\n", "[s]1 k=v@2"},
        {"no blanks", "[s]\nk=v", "[s]1 k=v@2"},
        {"keys are lower-cased, names and values are not", "[S]\nKeY = VaL\n", "[S]1 key=VaL@2"},
        {"blanks around everything", "[ s ]\n  k  =  v  \t\n", "[s]1 k=v@2"},
        {"blanks inside a name stay", "[a b]\n", "[a b]1"},
        {"brackets nest", "[s [x]]\nk=v\n", "[s [x]]1 k=v@2"},
        {"text after a section's end causes a warning", "[s] x\nk=v\n", "[s]1 k=v@2 !1"},
        {"a comment after a section's end causes none", "[s]# x\n[t] ; y\n", "[s]1 [t]2"},
        {"a comment needs a blank before it",
         "[s]\nk=a#b;c\nl=a #b\nm=a\t;b\n",
         "[s]1 k=a#b;c@2 l=a@3 m=a@4"},
        {"a value that is only a comment is empty", "[s]\nk = # c\n", "[s]1 k=@2"},
        {"an equals sign in a value", "[s]\nk = a=b=\n", "[s]1 k=a=b=@2"},
        {"quotes stay", "[s]\nk = \"a b\"\n", "[s]1 k=\"a b\"@2"},
        {"equal keys and sections stay apart",
         "[s]\nk=1\nk=2\n[s]\nk=3\n",
         "[s]1 k=1@2 k=2@3 [s]4 k=3@5"},
        {"a value continues in a line with deeper indentation",
         "[s]\nk = a\n  b\n\tc # d\nl = e\n",
         "[s]1 k=a\nb\nc@2 l=e@5"},
        {"a comment line inside a continued value", "[s]\nk = a\n  # c\n  b\n", "[s]1 k=a\nb@2"},
        {"an empty line ends a continued value", "[s]\nk = a\n\n  l = b\n", "[s]1 k=a@2 l=b@4"},
        {"a line after an empty line is not a continuation",
         "[s]\nk = a\n\n  b\n",
         "[s]1 k=a@2 !4"},
        {"all keys may be indented", "[s]\n  k = a\n  l = b\n", "[s]1 k=a@2 l=b@3"},
        {"a continuation of an indented key", "[s]\n  k = a\n    b\n", "[s]1 k=a\nb@2"},
        {"an indented section before any key", "  [s]\n  k = a\n", "[s]1 k=a@2"},
        {"a bracket in a continued value", "[s]\nk = a\n  [t]\n", "[s]1 k=a\n[t]@2"},
        {"sub-properties", "[s]\nk =\n  a = 1\n  B = 2\nl = 3\n", "[s]1 k=@2 .a=1@3 .b=2@4 l=3@5"},
        {"sub-properties continue after an empty line",
         "[s]\nk =\n  a = 1\n\n  b = 2\n",
         "[s]1 k=@2 .a=1@3 .b=2@5"},
        {"a bad sub-property is ignored with a warning",
         "[s]\nk =\n  nonsense\n  = x\nl = 1\n",
         "[s]1 k=@2 l=1@5 !3 !4"},
        {"a line without = is ignored with a warning", "[s]\nk\nl = 1\n", "[s]1 l=1@3 !2"},
        {"a colon separates nothing", "[s]\nk: 1\n", "[s]1 !2"},
        {"a line that starts with = is ignored with a warning", "[s]\n= 1\n", "[s]1 !2"},
        {"a key before the first section is ignored with a warning", "k = 1\n[s]\n", "[s]2 !1"},
        {"CR before LF is not part of a line", "[s]\r\nk = v\r\n\r\n", "[s]1 k=v@2"},
        {"a CR at the end of the text", "[s]\nk = v\r", "[s]1 k=v@2"},
        {"a lone CR ends no line", "[s]\nk = a\rb\n", "[s]1 k=a\rb@2"},
        {"a byte order mark is skipped", "\xef\xbb\xbf[s]\nk=v\n", "[s]1 k=v@2"},
        {"bytes that are not UTF-8 stay unchanged", "[s]\nk=\xe9\n", "[s]1 k=\xe9@2"},
        {"nothing between the brackets", "[]\nk=v\n", "[]1 k=v@2"},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(ini) ini = {0};
        struct ria_error err = {0};
        RIA_AUTO(buf) got = {.max = 4096};
        if (!parse(row->text, strlen(row->text), &ini, &err)) {
            fail_msg("%s: %s", row->name, err.text);
        }
        render(&ini, &got);
        expect_text(row->name, ria_buf_text(&got), row->want);
    }
}

static void invalid_texts_are_rejected_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        size_t len;
        const char *want;
    } rows[] = {
        {"no closing bracket", "[a]\n\n[s\nk=v\n", 12, "f:3: a section line without its closing ]"},
        {"one bracket too few", "[s [x]\n", 7, "f:1: a section line without its closing ]"},
        {"a NUL byte", "[s]\nk = a\0b\n", 12, "f:2: a NUL byte; save the file as plain text"},
        {"a NUL byte after the end", "[s]\nk=v\n\0", 9, "f:3: a NUL byte"},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(ini) ini = {0};
        struct ria_error err = {0};
        expect(row->name, !parse(row->text, row->len, &ini, &err));
        expect_piece(row->name, err.text, row->want);
        expect_number(row->name, err.code, RIA_E_CONFIG);
        expect(row->name, ini.text.data == NULL && ini.section_count == 0);
    }
}

static void the_longest_line_is_accepted_and_one_byte_more_rejected(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        RIA_AUTO(buf) text = {.max = RIA_INI_TEXT_MAX};
        RIA_AUTO(ini) ini = {0};
        struct ria_error err = {0};
        ria_buf_add_text(&text, "[s]\nk=");
        for (size_t i = 2; i < RIA_INI_LINE_MAX + more; i++) {
            ria_buf_add_char(&text, 'v');
        }
        ria_buf_add_char(&text, '\n');
        bool ok = ria_ini_parse("f", &text, &ini, &err);
        assert_int_equal(ok, more == 0);
        if (!ok) {
            assert_string_equal(
                err.text, "f:2: the line is longer than 131072 bytes, the limit; shorten it");
        }
    }
}

static void the_longest_text_is_accepted_and_one_byte_more_rejected(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        RIA_AUTO(buf) text = {.max = 2 * RIA_INI_TEXT_MAX};
        RIA_AUTO(ini) ini = {0};
        struct ria_error err = {0};
        while (text.len < RIA_INI_TEXT_MAX + more) {
            ria_buf_add_char(&text, '\n');
        }
        bool ok = ria_ini_parse("f", &text, &ini, &err);
        assert_int_equal(ok, more == 0);
        if (!ok) {
            expect_piece(
                "too large",
                err.text,
                "f: is larger than 16 MiB, the limit; remove what is not needed, or name another "
                "file");
        }
    }
}

/* A buffer that could not grow has lost text. */
static void a_text_that_is_not_complete_is_rejected(void **state)
{
    (void)state;
    RIA_AUTO(buf) text = {.max = 7};
    RIA_AUTO(ini) ini = {0};
    struct ria_error err = {0};
    ria_buf_add_text(&text, "[s]\nk=v\n");
    assert_true(text.failed);
    assert_false(ria_ini_parse("f", &text, &ini, &err));
    assert_string_equal(err.text, "f: out of memory");
    assert_int_equal(ini.section_count, 0);
}

/* The arrays double their size at 8, 16, ...; the test covers every size around these. */
static void no_section_entry_or_warning_of_many_is_lost(void **state)
{
    (void)state;
    for (unsigned count = 1; count < 70; count++) {
        RIA_AUTO(buf) text = {.max = RIA_INI_TEXT_MAX};
        RIA_AUTO(ini) ini = {0};
        struct ria_error err = {0};
        for (unsigned i = 0; i < count; i++) {
            ria_buf_addf(&text, "[s%u]\nk = %u\nnonsense\n", i, i);
        }
        assert_true(ria_ini_parse("f", &text, &ini, &err));
        assert_int_equal(ini.section_count, count);
        assert_int_equal(ini.entry_count, count);
        assert_int_equal(ini.warning_count, count);
        for (unsigned i = 0; i < count; i++) {
            const struct ria_ini_entry *entry = ria_ini_find(&ini, &ini.sections[i], "k");
            assert_non_null(entry);
            assert_int_equal(strtoul(entry->value, NULL, 10), i);
            assert_int_equal(ini.warnings[i].line, (3 * i) + 3);
        }
    }
}

static void find_returns_the_last_entry_and_no_sub_property(void **state)
{
    (void)state;
    static const char text[] = "[s]\nk = 1\nk = 2\np =\n  q = 3\n[t]\nq = 4\n";
    RIA_AUTO(ini) ini = {0};
    struct ria_error err = {0};
    assert_true(parse(text, strlen(text), &ini, &err));
    assert_string_equal(ria_ini_find(&ini, &ini.sections[0], "k")->value, "2");
    assert_null(ria_ini_find(&ini, &ini.sections[0], "q"));
    assert_string_equal(ria_ini_find(&ini, &ini.sections[1], "q")->value, "4");
    assert_null(ria_ini_find(&ini, &ini.sections[1], "k"));
}

static void the_parser_takes_ownership_of_the_text(void **state)
{
    (void)state;
    RIA_AUTO(buf) text = {.max = 100};
    RIA_AUTO(ini) ini = {0};
    struct ria_error err = {0};
    ria_buf_add_text(&text, "[s]\n");
    assert_true(ria_ini_parse("f", &text, &ini, &err));
    assert_null(text.data);
    assert_ptr_equal(ini.sections[0].name, ini.text.data + 1);
    ria_ini_release(&ini);
    assert_null(ini.text.data);
    assert_null(ini.sections);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_parsed_by_the_rules_of_the_dialect),
        cmocka_unit_test(invalid_texts_are_rejected_with_their_line),
        cmocka_unit_test(the_longest_line_is_accepted_and_one_byte_more_rejected),
        cmocka_unit_test(the_longest_text_is_accepted_and_one_byte_more_rejected),
        cmocka_unit_test(a_text_that_is_not_complete_is_rejected),
        cmocka_unit_test(no_section_entry_or_warning_of_many_is_lost),
        cmocka_unit_test(find_returns_the_last_entry_and_no_sub_property),
        cmocka_unit_test(the_parser_takes_ownership_of_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
