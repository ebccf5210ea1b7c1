/* SPDX-License-Identifier: MIT
 *
 * The home directory in the text of passwd(5), and the records that ask for it. */
#include "codec/passwd.h"

#include "unit.h"

static void the_home_is_that_of_the_first_entry_of_the_uid(void **state)
{
    (void)state;
    static const struct {
        const char *sentence;
        const char *text;
        const char *home; /* NULL: none */
    } rows[] = {
        {"an entry", "a:x:7:7:A:/h/a:/bin/sh\n", "/h/a"},
        {"the last line, without its newline", "r:x:0:0::/root:\na:x:7:7::/h:", "/h"},
        {"the first of two", "a:x:7:1::/one:\nb:x:7:1::/two:\n", "/one"},
        {"no shell", "a:x:7:7:A:/h", "/h"},
        {"another uid with the same digits", "a:x:70:7::/h:\nb:x:17:7::/h:\n", NULL},
        {"the group's number does not count", "a:x:8:7::/h:\n", NULL},
        {"a line of NIS without a uid", "+:::::/nis:\n", NULL},
        {"too few fields", "a:x:7\n", NULL},
        {"an empty home", "a:x:7:7:::\n", NULL},
        {"a relative home", "a:x:7:7::h:\n", NULL},
        {"a negative uid", "a:x:-7:7::/h:\n", NULL},
        {"a uid beyond 32 bits", "a:x:4294967303:7::/h:\n", NULL},
        {"an empty file", "", NULL},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        RIA_AUTO(buf) text = {.max = 1024};
        RIA_AUTO(buf) home = {.max = 1024};
        ria_buf_add_text(&text, rows[i].text);
        expect(rows[i].sentence, ria_passwd_find_home(&text, 7, &home) == (rows[i].home != NULL));
        if (rows[i].home != NULL) {
            expect_text(rows[i].sentence, ria_buf_text(&home), rows[i].home);
        }
    }
}

static void question_and_answer_are_read_as_they_were_written(void **state)
{
    (void)state;
    static const char *const homes[] = {"/home/a b", "/", ""};
    RIA_AUTO(buf) question = {.max = 1024};
    ria_passwd_write_question(&question);
    assert_true(ria_passwd_is_question(&question));
    for (size_t i = 0; i < RIA_COUNT(homes); i++) {
        RIA_AUTO(buf) answer = {.max = 1024};
        RIA_AUTO(buf) home = {.max = 1024};
        ria_passwd_write_answer(homes[i], &answer);
        expect(homes[i], !ria_passwd_is_question(&answer));
        expect(homes[i], !ria_passwd_read_answer(&question, &home));
        expect(homes[i], ria_passwd_read_answer(&answer, &home));
        expect_text(homes[i], ria_buf_text(&home), homes[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_home_is_that_of_the_first_entry_of_the_uid),
        cmocka_unit_test(question_and_answer_are_read_as_they_were_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
