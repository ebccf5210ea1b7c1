/* SPDX-License-Identifier: MIT
 *
 * usage: login HOST PORT USER
 *
 * Logs in with libmariadb and the options of ~/.my.cnf, and prints the user that the server
 * reports, or the error.
 */
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>

static int report(MYSQL *mysql)
{
    (void)fprintf(
        stderr,
        "ERROR %u (%s): %s\n",
        mysql_errno(mysql),
        mysql_sqlstate(mysql),
        mysql_error(mysql));
    return EXIT_FAILURE;
}

static int print_user(MYSQL *mysql)
{
    if (mysql_query(mysql, "select current_user()") != 0) {
        return report(mysql);
    }
    MYSQL_RES *rows = mysql_store_result(mysql);
    MYSQL_ROW row = rows == NULL ? NULL : mysql_fetch_row(rows);
    if (row == NULL) {
        return report(mysql);
    }
    (void)puts(row[0]);
    mysql_free_result(rows);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fprintf(stderr, "usage: %s HOST PORT USER\n", argv[0]);
        return 2;
    }
    MYSQL *mysql = mysql_init(NULL);
    if (mysql == NULL || mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP, "client") != 0) {
        (void)fputs("login: libmariadb cannot be set up\n", stderr);
        return EXIT_FAILURE;
    }
    unsigned port = (unsigned)strtoul(argv[2], NULL, 10);
    MYSQL *connected = mysql_real_connect(mysql, argv[1], argv[3], NULL, NULL, port, NULL, 0);
    int status = connected == NULL ? report(mysql) : print_user(mysql);
    mysql_close(mysql);
    mysql_library_end();
    return status;
}
