/* SPDX-License-Identifier: MIT
 *
 * A program that logs in and then becomes a daemon: it forks, and the parent exits. The child
 * prints its process id, waits for the end of its standard input, and logs in again. Each login
 * prints the user that the server reports, or the error.
 *
 *   forks HOST PORT USER
 */
#include <mysql.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool log_in(char **argv)
{
    MYSQL *mysql = mysql_init(NULL);
    if (mysql == NULL || mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP, "client") != 0) {
        (void)fputs("forks: libmariadb cannot be set up\n", stderr);
        return false;
    }
    unsigned port = (unsigned)strtoul(argv[2], NULL, 10);
    bool ok = mysql_real_connect(mysql, argv[1], argv[3], NULL, NULL, port, NULL, 0) != NULL &&
              mysql_query(mysql, "select current_user()") == 0;
    MYSQL_RES *rows = ok ? mysql_store_result(mysql) : NULL;
    MYSQL_ROW row = rows == NULL ? NULL : mysql_fetch_row(rows);
    if (row == NULL) {
        (void)fprintf(stderr, "ERROR %u: %s\n", mysql_errno(mysql), mysql_error(mysql));
    } else {
        (void)puts(row[0]);
        (void)fflush(stdout);
    }
    mysql_free_result(rows);
    mysql_close(mysql);
    return row != NULL;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fprintf(stderr, "usage: %s HOST PORT USER\n", argv[0]);
        return 2;
    }
    if (!log_in(argv)) {
        return EXIT_FAILURE;
    }
    pid_t pid = fork();
    if (pid != 0) {
        return pid < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    (void)printf("%d\n", (int)getpid());
    (void)fflush(stdout);
    while (getchar() != EOF) {
    }
    return log_in(argv) ? EXIT_SUCCESS : EXIT_FAILURE;
}
