/* SPDX-License-Identifier: MIT
 *
 * usage: says_who HOST PORT USER PASSWORD
 * Connects with libmariadb, sets no option, and prints the user that the server sees. */
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    MYSQL *mysql = argc == 5 ? mysql_init(NULL) : NULL;
    if (mysql == NULL) {
        return 2;
    }
    unsigned port = (unsigned)strtoul(argv[2], NULL, 10);
    MYSQL_RES *rows = NULL;
    if (mysql_real_connect(mysql, argv[1], argv[3], argv[4], "shop", port, NULL, 0) != NULL &&
        mysql_query(mysql, "select current_user()") == 0) {
        rows = mysql_store_result(mysql);
    }
    MYSQL_ROW row = rows == NULL ? NULL : mysql_fetch_row(rows);
    if (row != NULL) {
        (void)puts(row[0]);
    } else {
        (void)fprintf(stderr, "ERROR %u: %s\n", mysql_errno(mysql), mysql_error(mysql));
    }
    mysql_free_result(rows);
    mysql_close(mysql);
    return row == NULL ? EXIT_FAILURE : EXIT_SUCCESS;
}
