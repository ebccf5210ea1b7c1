/* SPDX-License-Identifier: MIT
 *
 * Which server the arguments of MariaDB's and Oracle's command-line tools name. Each row was
 * compared with what the tools do with these arguments. */
#include "preload/tool_arguments.h"

#include "unit.h"

enum {
    WORDS_MAX = 12
};

struct row {
    const char *name;
    const char *words[WORDS_MAX]; /* the program's name and its arguments */
    struct ria_tool_arguments expected;
};

static int count_words(const struct row *row)
{
    int count = 0;
    while (row->words[count] != NULL) {
        count++;
    }
    return count;
}

static void compare_argument(const char *name, const char *found, const char *expected)
{
    expect_text(name, found == NULL ? "(none)" : found, expected == NULL ? "(none)" : expected);
}

static void check_row(const struct row *row)
{
    struct ria_tool_arguments found;
    char *words[WORDS_MAX];
    memcpy(words, row->words, sizeof(words));
    assert_true(ria_tool_arguments_read(count_words(row), words, &found));
    compare_argument(row->name, found.host, row->expected.host);
    compare_argument(row->name, found.user, row->expected.user);
    compare_argument(row->name, found.port, row->expected.port);
    compare_argument(row->name, found.protocol, row->expected.protocol);
    expect_number(row->name, found.has_ca, row->expected.has_ca);
    expect_number(row->name, found.is_tls_off, row->expected.is_tls_off);
}

static void each_form_of_the_host_is_found(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"no arguments", {"mariadb"}, {0}},
        {"a letter", {"mariadb", "-h", "db"}, {.host = "db"}},
        {"a letter with its value", {"mysql", "-hdb"}, {.host = "db"}},
        {"letters that share an argument", {"mysql", "-Nhdb"}, {.host = "db"}},
        {"the same with the next argument", {"mysql", "-Nh", "db"}, {.host = "db"}},
        {"a long option", {"/usr/bin/mariadb-dump", "--host=db"}, {.host = "db"}},
        {"a long option with the next argument", {"mysqldump", "--host", "db"}, {.host = "db"}},
        {"an abbreviation", {"mariadb-admin", "--hos=db"}, {.host = "db"}},
        {"the shortest abbreviation", {"mariadb-admin", "--ho", "db"}, {.host = "db"}},
        {"behind a name", {"mariadb", "shop", "-h", "db"}, {.host = "db"}},
        {"the last one counts", {"mariadb", "-h", "a", "--host=b"}, {.host = "b"}},
        {"an empty host", {"mariadb", "-h", ""}, {.host = ""}},
        {"a host that is missing", {"mariadb", "-h"}, {0}},
        {"a long host that is missing", {"mariadb", "--host"}, {0}},
        {"the end of the options", {"mariadb", "--", "-h", "db"}, {0}},
        {"mariadb-upgrade", {"mysql_upgrade", "-t", "/tmp", "-h", "db"}, {.host = "db"}},
        {"mariadb-slap", {"mariadb-slap", "-e", "x", "-hdb"}, {.host = "db"}},
        {"mariadb-binlog", {"mysqlbinlog", "-j", "4", "-h", "db"}, {.host = "db"}},
    };
    for_each_row(row, rows, row->name) {
        check_row(row);
    }
}

static void values_of_other_options_are_not_taken_for_the_host(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a user", {"mysql", "-uhdb"}, {.user = "hdb"}},
        {"a password", {"mysql", "-pshdb", "-h", "db"}, {.host = "db"}},
        {"a password that is asked for", {"mysql", "-p", "-h", "db"}, {.host = "db"}},
        {"debug options", {"mysql", "-#hdb"}, {0}},
        {"a statement", {"mysql", "-ehdb"}, {0}},
        {"a statement in the next argument", {"mysql", "-e", "-hdb"}, {0}},
        {"mariadb-dump's -e has no value", {"mysqldump", "-ehdb"}, {.host = "db"}},
        {"mariadb-dump's -w has one", {"mysqldump", "-w", "-hdb"}, {0}},
        {"mariadb's -w has none", {"mariadb", "-w", "-hdb"}, {.host = "db"}},
        {"--help", {"mariadb", "--h"}, {0}},
        {"--html", {"mariadb", "--html", "db"}, {0}},
        {"--hostname", {"mariadb", "--hostname=db"}, {0}},
        {"a name", {"mariadb", "host=db"}, {0}},
    };
    for_each_row(row, rows, row->name) {
        check_row(row);
    }
}

static void other_options_are_found(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"all letters",
         {"mariadb", "-h", "db", "-P", "13306", "-u", "me"},
         {.host = "db", .port = "13306", .user = "me"}},
        {"all long options",
         {"mysql", "--port=1", "--user=me", "--protocol=tcp"},
         {.port = "1", .user = "me", .protocol = "tcp"}},
        {"--skip-ssl", {"mariadb", "--skip-ssl"}, {.is_tls_off = true}},
        {"--skip_ssl", {"mariadb", "--skip_ssl"}, {.is_tls_off = true}},
        {"--disable-ssl", {"mariadb", "--disable-ssl"}, {.is_tls_off = true}},
        {"--ssl=0", {"mariadb", "--ssl=0"}, {.is_tls_off = true}},
        {"--ssl=OFF", {"mariadb", "--ssl=OFF"}, {.is_tls_off = true}},
        {"--ssl", {"mariadb", "--skip-ssl", "--ssl"}, {0}},
        {"--ssl-ca", {"mariadb", "--ssl-ca=/a"}, {.has_ca = true}},
        {"--ssl_capath", {"mariadb", "--ssl_capath", "/a"}, {.has_ca = true}},
        {"--ssl-cert", {"mariadb", "--ssl-cert=/a"}, {0}},
        {"--skip-ssl-verify-server-cert", {"mariadb", "--skip-ssl-verify-server-cert"}, {0}},
    };
    for_each_row(row, rows, row->name) {
        check_row(row);
    }
}

static void only_the_tools_are_recognised(void **state)
{
    (void)state;
    static const char *const tools[] = {
        "mysql",
        "mariadb",
        "/usr/bin/mysql",
        "mariadb-admin",
        "mysqladmin",
        "mariadb-analyze",
        "mysqlbinlog",
        "mariadb-check",
        "mariadbcheck",
        "mysqldump",
        "mysqlimport",
        "mariadb-optimize",
        "mysqlrepair",
        "mysqlshow",
        "mariadb-slap",
        "mysql_upgrade"};
    static const char *const others[] = {
        "",
        "psql",
        "mysqld",
        "mariadbd",
        "mariadb-backup",
        "mysqlsh",
        "mysql_config_editor",
        "mysqldumpslow",
        "mydumper",
        "mysqlx",
        "MYSQL",
        "mysql/psql",
        "mysql.distrib"};
    struct ria_tool_arguments found;
    for (size_t i = 0; i < RIA_COUNT(tools); i++) {
        char *words[] = {(char *)(uintptr_t)tools[i], NULL};
        expect_number(tools[i], ria_tool_arguments_read(1, words, &found), true);
        expect_number(tools[i], ria_tool_is_known(tools[i]), true);
    }
    for (size_t i = 0; i < RIA_COUNT(others); i++) {
        char *words[] = {(char *)(uintptr_t)others[i], NULL};
        expect_number(others[i], ria_tool_arguments_read(1, words, &found), false);
        expect_number(others[i], ria_tool_is_interactive(others[i]), false);
        expect_number(others[i], ria_tool_is_known(others[i]), false);
    }
    char *none[] = {NULL};
    assert_false(ria_tool_arguments_read(0, none, &found));
    assert_false(ria_tool_is_known(NULL));
    assert_true(ria_tool_is_interactive("/usr/bin/mysql"));
    assert_false(ria_tool_is_interactive("mysqldump"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_of_the_host_is_found),
        cmocka_unit_test(values_of_other_options_are_not_taken_for_the_host),
        cmocka_unit_test(other_options_are_found),
        cmocka_unit_test(only_the_tools_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
