/* SPDX-License-Identifier: MIT
 *
 * Passfile lines. A parser in this file follows libpq's rules (passwordFromFile() in fe-connect.c).
 * It must find the password of each line for exactly the host, port and user of that line. */
#include "passfile/passfile.h"

#include "unit.h"

/* Returns the position after the colon of a field that is * or equals `token`, or NULL if the field
 * differs. */
static const char *match_field(const char *line, const char *token)
{
    if (line[0] == '*' && line[1] == ':') {
        return line + 2;
    }
    for (;;) {
        if (*line == ':' && *token == '\0') {
            return line + 1;
        }
        if (*line == '\\') {
            line++;
        }
        if (*line == '\0' || *line != *token) {
            return NULL;
        }
        line++;
        token++;
    }
}

/* Finds the password of the first matching line. Returns false if no line matches. */
static bool look_up(const char *text, const struct ria_passfile_line *want, char *out, size_t size)
{
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *at = match_field(line, want->host);
        at = at == NULL ? NULL : match_field(at, want->port);
        at = at == NULL ? NULL : match_field(at, "any database");
        at = at == NULL ? NULL : match_field(at, want->user);
        if (at == NULL) {
            continue;
        }
        size_t len = 0;
        for (; *at != '\n' && *at != ':' && len + 1 < size; at++) {
            at += *at == '\\' ? 1 : 0;
            out[len++] = *at;
        }
        out[len] = '\0';
        return true;
    }
    return false;
}

static const struct ria_passfile_line lines[] = {
    {"db.example", "5432", "etl", "db.example:5432/?Action=connect&DBUser=etl"},
    {"db.example", "5433", "etl", "another port"},
    {"db.example", "5432", "Etl", "a user of another case"},
    {"DB.example", "5432", "etl", "a host of another case"},
    {"db.example", "5432", "a:b", "colon:in:everything"},
    {"db.example", "5432", "a\\b", "back\\slash"},
    {"db.example", "5432", "a\\:b", "\\:both\\\\:"},
    {"db.example", "5432", "*", "the user who is called *"},
    {"db.example", "5432", "**", "not a wildcard"},
    {"::1", "5432", "etl", "an address with colons"},
    {"db.example", "5432", "#etl", "# no comment"},
    {"db.example", "5432", "a b", " blanks at both ends "},
};

enum {
    LINE_COUNT = sizeof(lines) / sizeof(lines[0])
};

static void every_line_is_found_only_for_its_host_port_and_user(void **state)
{
    (void)state;
    RIA_AUTO(buf) text = {.max = 64 * 1024};
    for (size_t i = 0; i < LINE_COUNT; i++) {
        ria_passfile_add(&text, &lines[i]);
    }
    for (size_t i = 0; i < LINE_COUNT; i++) {
        char password[256] = "";
        assert_true(look_up(ria_buf_text(&text), &lines[i], password, sizeof(password)));
        assert_string_equal(password, lines[i].password);
    }
    struct ria_passfile_line stranger = {"db.example", "5432", "stranger", NULL};
    char password[256];
    assert_false(look_up(ria_buf_text(&text), &stranger, password, sizeof(password)));
}

static void control_the_reader_of_this_test_accepts_wildcards(void **state)
{
    (void)state;
    struct ria_passfile_line stranger = {"db.example", "5432", "stranger", NULL};
    char password[256];
    assert_true(look_up("*:*:*:*:open\n", &stranger, password, sizeof(password)));
    assert_string_equal(password, "open");
}

static void a_line_has_the_form_that_libpq_documents(void **state)
{
    (void)state;
    struct ria_passfile_line line = {"h", "1", "u", "h:1/?Action=connect"};
    RIA_AUTO(buf) text = {.max = 1024};
    ria_passfile_add(&text, &line);
    assert_string_equal(ria_buf_text(&text), "h:1:*:u:h\\:1/?Action=connect\n");
}

static void a_field_with_a_newline_fails(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct ria_passfile_line line;
        bool ok;
    } rows[] = {
        {"host", {"h\n*", "1", "u", "p"}, false},
        {"port", {"h", "1\n", "u", "p"}, false},
        {"user", {"h", "1", "u\n*:*:*:other", "p"}, false},
        {"password", {"h", "1", "u", "p\n"}, false},
        {"control: a carriage return", {"h", "1", "u\rv", "p"}, true},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(buf) text = {.max = 1024};
        ria_passfile_add(&text, &row->line);
        expect(row->name, (ria_buf_text(&text) != NULL) == row->ok);
    }
}

static void a_line_that_does_not_fit_fails(void **state)
{
    (void)state;
    struct ria_passfile_line line = {"h", "1", "u", "0123456789"};
    RIA_AUTO(buf) text = {.max = 12};
    ria_passfile_add(&text, &line);
    assert_null(ria_buf_text(&text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_found_only_for_its_host_port_and_user),
        cmocka_unit_test(control_the_reader_of_this_test_accepts_wildcards),
        cmocka_unit_test(a_line_has_the_form_that_libpq_documents),
        cmocka_unit_test(a_field_with_a_newline_fails),
        cmocka_unit_test(a_line_that_does_not_fit_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
