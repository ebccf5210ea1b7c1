/* SPDX-License-Identifier: MIT
 *
 * The user of a login that names no user. The plugin must find the same user as the client library,
 * because the token is signed for the user that the library sends. The user of this process and its
 * passwd entry are fakes. */
#include "login_token.h"

#include "base/messages.h"
#include "unit.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ROOT = 0,
    USER = 1000,
    LONGEST = 255, /* bytes of a name that has room in os_user */
};

static struct {
    uid_t uid;
    const char *entry;    /* the name in the passwd entry; NULL: the user has no entry */
    const char *terminal; /* the terminal's login name; NULL: no terminal */
    int error;            /* of getpwuid_r() */
} fake;

/* The linker replaces geteuid() and getpwuid_r() with these functions, in the core too. */
uid_t __wrap_geteuid(void);
uid_t __wrap_geteuid(void)
{
    return fake.uid;
}

int __wrap_getpwuid_r(
    uid_t uid, struct passwd *entry, char *room, size_t size, struct passwd **found);
int __wrap_getpwuid_r(
    uid_t uid, struct passwd *entry, char *room, size_t size, struct passwd **found)
{
    *found = NULL;
    if (fake.error == 0 && fake.entry != NULL) {
        (void)snprintf(room, size, "%s", fake.entry);
        *entry = (struct passwd){.pw_name = room, .pw_uid = uid};
        *found = entry;
    }
    return fake.error;
}

/* Stands for getlogin_r(). */
static int terminal_name(char *name, size_t size)
{
    if (fake.terminal == NULL) {
        return ENXIO;
    }
    (void)snprintf(name, size, "%s", fake.terminal);
    return 0;
}

static void set(const char *name, const char *value)
{
    (void)(value == NULL ? unsetenv(name) : setenv(name, value, 1));
}

static char longest[LONGEST + 1];
static char too_long[LONGEST + 2];

static void the_user_is_that_of_the_client_library(void **state)
{
    (void)state;
    const struct {
        const char *name;
        uid_t uid;
        const char *terminal;
        const char *entry;
        int error;
        const char *variables[3]; /* USER, LOGNAME, LOGIN */
        const char *want;         /* NULL: the login is refused */
    } rows[] = {
        {"root is root, whatever the terminal says", ROOT, "ann", "db", 0, {"eve"}, "root"},
        {"the terminal's login name comes first", USER, "ann", "db", 0, {"eve"}, "ann"},
        {"without a terminal, the passwd entry", USER, NULL, "db", 0, {"eve"}, "db"},
        {"without an entry, USER", USER, NULL, NULL, 0, {"eve", "f", "g"}, "eve"},
        {"after an error of NSS, USER", USER, NULL, "db", EIO, {"eve", "f", "g"}, "eve"},
        {"without USER, LOGNAME", USER, NULL, NULL, 0, {NULL, "f", "g"}, "f"},
        {"without LOGNAME, LOGIN", USER, NULL, NULL, 0, {NULL, NULL, "g"}, "g"},
        {"without any name", USER, NULL, NULL, 0, {NULL}, NULL},
        {"the longest name", USER, NULL, longest, 0, {NULL}, longest},
        {"a name that is too long is not cut", USER, NULL, too_long, 0, {"eve"}, NULL},
    };
    for_each_row(row, rows, row->name) {
        fake.uid = row->uid;
        fake.terminal = row->terminal;
        fake.entry = row->entry;
        fake.error = row->error;
        set("USER", row->variables[0]);
        set("LOGNAME", row->variables[1]);
        set("LOGIN", row->variables[2]);
        struct ria_login_token login_token = {
            .login = {.host = "db.abc.eu-west-1.rds.amazonaws.com", .port = 3306},
            .task = RIA_LOGIN_HAS_ENDPOINT,
            .login_name = terminal_name,
            .token = RIA_TOKEN_INIT,
        };
        expect(row->name, ria_login_token_run(&login_token));
        if (row->want == NULL) {
            expect_number(row->name, login_token.outcome, RIA_FAILED);
            expect_text(row->name, login_token.err.text, RIA_REFUSAL_NO_USER);
        } else {
            expect_number(row->name, login_token.outcome, RIA_FOUND);
            expect_text(row->name, login_token.login.user, row->want);
        }
        ria_token_release(&login_token.token);
    }
}

static void a_library_that_ignores_the_terminal_gets_the_user_of_the_process(void **state)
{
    (void)state;
    fake.uid = USER;
    fake.terminal = "ann";
    fake.entry = "db";
    fake.error = 0;
    struct ria_login_token login_token = {
        .login = {.host = "db.abc.eu-west-1.rds.amazonaws.com", .port = 3306},
        .task = RIA_LOGIN_HAS_ENDPOINT,
        .token = RIA_TOKEN_INIT,
    };
    assert_true(ria_login_token_run(&login_token));
    assert_string_equal(login_token.login.user, "db");
    ria_token_release(&login_token.token);
}

int main(void)
{
    memset(longest, 'x', LONGEST);
    memset(too_long, 'x', LONGEST + 1);
    set("HOME", "/nonexistent");
    set("RDS_IAM_CONFIG", NULL);
    set("XDG_CONFIG_HOME", NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_user_is_that_of_the_client_library),
        cmocka_unit_test(a_library_that_ignores_the_terminal_gets_the_user_of_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
