/* SPDX-License-Identifier: MIT
 *
 * Which server, user and TLS settings the arguments and the option files of MariaDB's and Oracle's
 * command-line tools name. Each row was compared with what the tools do. */
#include "preload/tool_arguments.h"

#include "unit.h"

#include <stdlib.h>

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
    struct ria_tool_arguments found = {0};
    char *words[WORDS_MAX];
    memcpy(words, row->words, sizeof(words));
    ria_tool_arguments_read(count_words(row), words, &found);
    compare_argument(row->name, found.host, row->expected.host);
    compare_argument(row->name, found.user, row->expected.user);
    compare_argument(row->name, found.port, row->expected.port);
    compare_argument(row->name, found.protocol, row->expected.protocol);
    expect_number(row->name, found.has_ca, row->expected.has_ca);
    expect_number(row->name, found.is_tls_off, row->expected.is_tls_off);
    expect_number(row->name, found.has_other_source, row->expected.has_other_source);
    expect_number(row->name, found.skips_login_file, row->expected.skips_login_file);
}

static void each_form_of_the_host_is_found(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"no arguments", {"mariadb"}, {0}},
        {"a one-letter option", {"mariadb", "-h", "db"}, {.host = "db"}},
        {"a one-letter option with its value", {"mysql", "-hdb"}, {.host = "db"}},
        {"one-letter options that share an argument", {"mysql", "-Nhdb"}, {.host = "db"}},
        {"one-letter options, and the value in the next argument",
         {"mysql", "-Nh", "db"},
         {.host = "db"}},
        {"a long option", {"/usr/bin/mariadb-dump", "--host=db"}, {.host = "db"}},
        {"a long option, and the value in the next argument",
         {"mysqldump", "--host", "db"},
         {.host = "db"}},
        {"an abbreviation", {"mariadb-admin", "--hos=db"}, {.host = "db"}},
        {"the shortest abbreviation", {"mariadb-admin", "--ho", "db"}, {.host = "db"}},
        {"after the name of a database", {"mariadb", "shop", "-h", "db"}, {.host = "db"}},
        {"the last host counts", {"mariadb", "-h", "a", "--host=b"}, {.host = "b"}},
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
        {"mariadb-dump's -w has a value", {"mysqldump", "-w", "-hdb"}, {0}},
        {"mariadb's -w has no value", {"mariadb", "-w", "-hdb"}, {.host = "db"}},
        {"--h, an abbreviation of --help", {"mariadb", "--h"}, {0}},
        {"--html", {"mariadb", "--html", "db"}, {0}},
        {"--hostname", {"mariadb", "--hostname=db"}, {0}},
        {"a database's name", {"mariadb", "host=db"}, {0}},
    };
    for_each_row(row, rows, row->name) {
        check_row(row);
    }
}

static void other_options_are_found(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"one-letter options",
         {"mariadb", "-h", "db", "-P", "13306", "-u", "me"},
         {.host = "db", .port = "13306", .user = "me"}},
        {"long options",
         {"mysql", "--port=1", "--user=me", "--protocol=tcp"},
         {.port = "1", .user = "me", .protocol = "tcp"}},
        {"--skip-ssl", {"mariadb", "--skip-ssl"}, {.is_tls_off = true}},
        {"--skip_ssl", {"mariadb", "--skip_ssl"}, {.is_tls_off = true}},
        {"--disable-ssl", {"mariadb", "--disable-ssl"}, {.is_tls_off = true}},
        {"--ssl=0", {"mariadb", "--ssl=0"}, {.is_tls_off = true}},
        {"--ssl=OFF", {"mariadb", "--ssl=OFF"}, {.is_tls_off = true}},
        {"--ssl after --skip-ssl", {"mariadb", "--skip-ssl", "--ssl"}, {0}},
        {"--ssl-ca", {"mariadb", "--ssl-ca=/a"}, {.has_ca = true}},
        {"--ssl_capath", {"mariadb", "--ssl_capath", "/a"}, {.has_ca = true}},
        {"--ssl-cert", {"mariadb", "--ssl-cert=/a"}, {0}},
        {"--skip-ssl-verify-server-cert", {"mariadb", "--skip-ssl-verify-server-cert"}, {0}},
        {"a suffix of the groups",
         {"mysql", "--defaults-group-suffix=-a"},
         {.has_other_source = true}},
        {"another file", {"mysql", "--defaults-extra-file=a"}, {.has_other_source = true}},
        {"a login path", {"mysql", "--login-path=a"}, {.has_other_source = true}},
        {"--login_path", {"mysql", "--login_path=a"}, {.has_other_source = true}},
        {"a file that replaces the others", {"mysql", "--defaults-file=a"}, {0}},
        {"a statement that looks like a login path", {"mysql", "-e", "--login-path=a"}, {0}},
        {"no login paths", {"mysql", "--no-login-paths"}, {.skips_login_file = true}},
    };
    for_each_row(row, rows, row->name) {
        check_row(row);
    }
}

static void only_the_tools_are_recognized(void **state)
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
    for (size_t i = 0; i < RIA_COUNT(tools); i++) {
        expect_number(tools[i], ria_tool_is_known(tools[i]), true);
    }
    for (size_t i = 0; i < RIA_COUNT(others); i++) {
        expect_number(others[i], ria_tool_is_interactive(others[i]), false);
        expect_number(others[i], ria_tool_is_known(others[i]), false);
    }
    struct ria_tool_arguments found = {.host = "kept"};
    char *none[] = {NULL};
    ria_tool_arguments_read(0, none, &found);
    assert_string_equal(found.host, "kept");
    assert_false(ria_tool_is_known(NULL));
    assert_true(ria_tool_is_interactive("/usr/bin/mysql"));
    assert_false(ria_tool_is_interactive("mysqldump"));
}

static void each_form_of_a_line_in_an_option_file_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        struct ria_tool_arguments expected;
    } rows[] = {
        {"host=db\n", {.host = "db"}},
        {"  host = \"db\"  \n", {.host = "db"}},
        {"host = db   # prod\n", {.host = "db"}},
        {"host=db#prod\n", {.host = "db"}},
        {"host=\"db\" # prod\n", {.host = "db"}},
        {"host='db'#it's\n", {.host = "db"}},
        {"user=\"a#b\" # c\n", {.user = "a#b"}},
        {"user='a\"#b' # c\n", {.user = "a\"#b"}},
        {"user=\"a\\\"#b\" # c\n", {.user = "a\\\"#b"}},
        {"user=\"a\\\\\" # c\n", {.user = "a\\\\"}},
        {"user=a\\\"#b\" # c\n", {.user = "a\\\"#b\""}},
        {"user='a # b\n", {.user = "'a # b"}},
        {"ssl=0 # off\n", {.is_tls_off = true}},
        {"ssl=1#0\n", {0}},
        {"!include /a\n", {.has_other_source = true}},
        {"  !includedir /a\n", {.has_other_source = true}},
        {"host\n", {0}},
        {"hostname=db\n", {0}},
        {"#host=db\n", {0}},
        {"port=1\n", {.port = "1"}},
        {"user='me'\n", {.user = "me"}},
        {"protocol=tcp", {.protocol = "tcp"}},
        {"ssl-ca=/a\n", {.has_ca = true}},
        {"ssl_capath = /a\n", {.has_ca = true}},
        {"skip-ssl\n", {.is_tls_off = true}},
        {"skip_ssl # for now\n", {.is_tls_off = true}},
        {"ssl = OFF\n", {.is_tls_off = true}},
        {"ssl=1\n", {0}},
        {"ssl\n", {0}},
        {"\n", {0}},
        {"", {0}},
    };
    for_each_row(row, rows, row->line) {
        struct ria_tool_arguments found = {0};
        ria_tool_line_read(row->line, &found);
        compare_argument(row->line, found.host, row->expected.host);
        compare_argument(row->line, found.user, row->expected.user);
        compare_argument(row->line, found.port, row->expected.port);
        compare_argument(row->line, found.protocol, row->expected.protocol);
        expect_number(row->line, found.has_ca, row->expected.has_ca);
        expect_number(row->line, found.is_tls_off, row->expected.is_tls_off);
        expect_number(row->line, found.has_other_source, row->expected.has_other_source);
        free((void *)(uintptr_t)found.host);
        free((void *)(uintptr_t)found.user);
        free((void *)(uintptr_t)found.port);
        free((void *)(uintptr_t)found.protocol);
    }
}

static void each_tool_reads_its_own_groups_and_files(void **state)
{
    (void)state;
    enum {
        NONE,
        BOTH,
        MARIADB
    };
    static const struct {
        const char *program;
        const char *group;
        int makers; /* whose tools read the group */
    } rows[] = {
        {"mariadb", "client", BOTH},
        {"mariadb", "client-mariadb", MARIADB},
        {"mysql", "client-server", MARIADB},
        {"mariadb", "mysql", BOTH},
        {"mysql", "mariadb", NONE},
        {"mysql", "mariadb-client", MARIADB},
        {"mysqldump", "mariadb-client", NONE},
        {"mysqldump", "mysqldump", BOTH},
        {"mysqldump", "mariadb-dump", MARIADB},
        {"mysqldump", "mariadbdump", NONE},
        {"mysqldump", "mysql-dump", NONE},
        {"mysqldump", "mysql", NONE},
        {"mysqlrepair", "mysqlcheck", BOTH},
        {"mariadb-repair", "mariadb-check", MARIADB},
        {"mysqlrepair", "mysqlrepair", NONE},
        {"mariadb-upgrade", "mysql_upgrade", BOTH},
        {"mariadb-upgrade", "mariadb-upgrade", MARIADB},
        {"mysql", "mysqld", NONE},
        {"mysql", "client-rds", NONE},
        {"mysql", "", NONE},
        {"psql", "client", NONE},
    };
    for_each_row(row, rows, row->group) {
        size_t len = strlen(row->group);
        expect_number(
            row->group,
            ria_tool_reads_group(row->program, true, row->group, len),
            row->makers != NONE);
        expect_number(
            row->group,
            ria_tool_reads_group(row->program, false, row->group, len),
            row->makers == BOTH);
    }
    char *no_files[] = {"mysql", "--no-defaults", NULL};
    char *one_file[] = {"mysql", "--defaults-file=a", NULL};
    char *one_more[] = {"mysql", "--defaults-extra-file=a", NULL};
    char *alone[] = {"mysql", NULL};
    assert_false(ria_tool_reads_own_file(no_files));
    assert_false(ria_tool_reads_own_file(one_file));
    assert_true(ria_tool_reads_own_file(one_more));
    assert_true(ria_tool_reads_own_file(alone));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_of_the_host_is_found),
        cmocka_unit_test(values_of_other_options_are_not_taken_for_the_host),
        cmocka_unit_test(other_options_are_found),
        cmocka_unit_test(only_the_tools_are_recognized),
        cmocka_unit_test(each_form_of_a_line_in_an_option_file_is_read),
        cmocka_unit_test(each_tool_reads_its_own_groups_and_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
