/* SPDX-License-Identifier: MIT
 *
 * Which texts are RDS tokens, and the values parsed from these tokens, for any order of the
 * parameters. */
#include "aws/token_text.h"

#include "unit.h"

#define CREDENTIAL "X-Amz-Credential=AKIAEXAMPLE%2F20240131%2Feu-west-1%2Frds-db%2Faws4_request"
#define DATE "X-Amz-Date=20240131T120000Z"
#define SIGNATURE "X-Amz-Signature=00ff"
#define HOST "db.example:5432"

/* 2024-01-31T12:00:00Z */
enum {
    MADE = 1706702400,
    LIFE = 900,
};

static const struct {
    const char *name;
    const char *text;
} tokens[] = {
    {"botocore's order",
     HOST "/?Action=connect&DBUser=etl&X-Amz-Algorithm=AWS4-HMAC-SHA256&" CREDENTIAL "&" DATE
          "&X-Amz-Expires=900&X-Amz-SignedHeaders=host&" SIGNATURE},
    {"the order of AWS's SDK for Java and of its JDBC wrapper",
     HOST "/?DBUser=etl&Action=connect&X-Amz-Algorithm=AWS4-HMAC-SHA256&" DATE
          "&X-Amz-SignedHeaders=host&X-Amz-Expires=900&" CREDENTIAL "&" SIGNATURE},
    {"the signature first", HOST "/?" SIGNATURE "&X-Amz-Expires=900&" CREDENTIAL "&" DATE},
    {"the key id first", HOST "?" CREDENTIAL "&X-Amz-Expires=900&" SIGNATURE "&" DATE},
    {"the date first", HOST "/?" DATE "&" SIGNATURE "&" CREDENTIAL "&X-Amz-Expires=900"},
    {"a scheme in front", "https://" HOST "/?X-Amz-Expires=900&" CREDENTIAL "&" DATE "&" SIGNATURE},
    {"Aurora DSQL's action",
     "id.dsql.us-east-1.on.aws/?Action=DbConnectAdmin&" CREDENTIAL "&" DATE
     "&X-Amz-Expires=900&" SIGNATURE},
    {"words that end like a parameter's name",
     HOST "/?DBUser=X-Amz-Date=20300101T000000Z&" DATE
          "&NotX-Amz-Expires=1&X-Amz-Expires=900&" CREDENTIAL "&" SIGNATURE},
    {"a line of a passfile, with another line behind it",
     "db.example:5432:*:etl:db.example\\:5432/?DBUser=etl&X-Amz-Expires=900&" CREDENTIAL "&" DATE
     "&" SIGNATURE "\nother:1:*:u:x?X-Amz-Expires=5&X-Amz-Date=20200101T000000Z"},
};

static const struct {
    const char *name;
    const char *text;
} passwords[] = {
    {"a password", "secret"},
    {"an empty password", ""},
    {"a piece of a token", HOST "/?Action=connect&DBUser=etl&X-Amz-Algorithm=AWS4"},
    {"the name of the signature's parameter, without a value", "X-Amz-Signature"},
};

static void a_token_is_recognized_by_its_signature(void **state)
{
    (void)state;
    for_each_row(token, tokens, token->name) {
        expect(token->name, ria_is_token(token->text));
        expect(token->name, ria_line_has_token(token->text, strlen(token->text)));
    }
    for_each_row(password, passwords, password->name) {
        expect(password->name, !ria_is_token(password->text));
        expect(password->name, !ria_line_has_token(password->text, strlen(password->text)));
    }
    expect("no text", !ria_is_token(NULL));
}

static void the_beginning_of_a_token_is_recognized(void **state)
{
    static const char whole[] =
        HOST "/?Action=connect&DBUser=etl&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature="
             "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    char text[sizeof(whole)];
    size_t first = strlen(HOST "/?Action=");
    (void)state;
    for (size_t len = 0; len < sizeof(whole); len++) {
        (void)snprintf(text, sizeof(text), "%.*s", (int)len, whole);
        expect(text, ria_token_is_cut(text) == (len >= first && len < sizeof(whole) - 1));
    }
    expect("Java's order", ria_token_is_cut(HOST "/?DBUser=etl&Action=connect"));
    expect("a password", !ria_token_is_cut("what?Action") && !ria_token_is_cut(NULL));
}

static void backslashes_of_a_passfile_do_not_hide_a_token(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *line;
        bool has_token;
    } rows[] = {
        {"a backslash before a colon, as libpq's documentation requires",
         "h:5432:*:u:h\\:5432/?a&X-Amz-Signature=0",
         true},
        {"a backslash before each character",
         "h:1:*:u:\\X\\-\\A\\m\\z\\-\\S\\i\\g\\n\\a\\t\\u\\r\\e\\=0",
         true},
        {"a backslash before one character", "h:1:*:u:X-Amz-Signature\\=0", true},
        {"the beginning of the parameter's name, and then the whole name",
         "h:1:*:u:X-AmzXX-Amz-Signature=",
         true},
        {"two backslashes, which stand for one in the text", "h:1:*:u:X-Amz\\\\-Signature=", false},
        {"a line that ends before the equals sign", "h:1:*:u:X-Amz-Signature", false},
        {"a backslash at the end", "h:1:*:u:X-Amz-Signature\\", false},
    };
    for_each_row(row, rows, row->name) {
        size_t len = strlen(row->line);
        expect_number(row->name, ria_line_has_token(row->line, len), row->has_token);
    }
    const char next[] = "h:1:*:u:word\nX-Amz-Signature=";
    expect("the text after the line", !ria_line_has_token(next, strcspn(next, "\n")));
    expect("no line", !ria_line_has_token("X-Amz-Signature=", 0));
}

static void lifetime_and_key_are_read_in_any_order(void **state)
{
    (void)state;
    for_each_row(token, tokens, token->name) {
        const char *text = token->text;
        expect(token->name, !ria_token_is_over(text, MADE + LIFE - 61));
        expect(token->name, ria_token_is_over(text, MADE + LIFE - 60));
        expect_number(token->name, ria_token_key(text) == ria_token_key(tokens[0].text), 1);
        expect(token->name, ria_token_key(text) != 0);
        expect(token->name, !ria_token_is_later(text, tokens[0].text));
        expect(token->name, ria_token_is_later(text, HOST "/?" SIGNATURE));
        expect(token->name, ria_token_is_later("h/?X-Amz-Date=20240131T120001Z&" SIGNATURE, text));
    }
}

static void missing_values_are_not_guessed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
    } rows[] = {
        {"no date", HOST "/?X-Amz-Expires=1&" SIGNATURE},
        {"no lifetime", HOST "/?" DATE "&" SIGNATURE},
        {"another form of date",
         HOST "/?X-Amz-Date=2024-01-31T12:00:00Z&X-Amz-Expires=1&" SIGNATURE},
        {"a cut date", HOST "/?X-Amz-Expires=1&" SIGNATURE "&X-Amz-Date=20240131T12"},
        {"an impossible date", HOST "/?X-Amz-Date=20241331T120000Z&X-Amz-Expires=1&" SIGNATURE},
        {"no token", HOST "/?" DATE "&X-Amz-Expires=1"},
        {"values that are in the next line",
         "h:1:*:u:?" SIGNATURE "\n?" DATE "&X-Amz-Expires=1&" CREDENTIAL},
        {"nothing", NULL},
    };
    for_each_row(row, rows, row->name) {
        expect(row->name, !ria_token_is_over(row->text, INT32_MAX));
        expect_number(row->name, ria_token_key(row->text) != 0, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_recognized_by_its_signature),
        cmocka_unit_test(the_beginning_of_a_token_is_recognized),
        cmocka_unit_test(backslashes_of_a_passfile_do_not_hide_a_token),
        cmocka_unit_test(lifetime_and_key_are_read_in_any_order),
        cmocka_unit_test(missing_values_are_not_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
