/* SPDX-License-Identifier: MIT
 *
 * A library that logs in, in connect_now() and, if CONNECT_AT_LOAD is set, in its constructor. The
 * environment names the server: CONNINFO, or DB_HOST, DB_PORT and DB_USER if compiled for
 * libmariadb (-DON_MARIADB). Prints "ok USER" or "failed: MESSAGE".
 */
#include <stdio.h>
#include <stdlib.h>

#ifdef ON_MARIADB
#include <mysql.h>
#else
#include <libpq-fe.h>
#endif

void connect_now(void);

#ifdef ON_MARIADB
__attribute__((visibility("default"))) void connect_now(void)
{
    MYSQL *mysql = mysql_init(NULL);
    MYSQL_ROW row = NULL;
    MYSQL_RES *rows = NULL;
    (void)mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP, "client");
    const char *number = getenv("DB_PORT");
    unsigned port = number == NULL ? 0 : (unsigned)strtoul(number, NULL, 10);
    if (mysql_real_connect(
            mysql, getenv("DB_HOST"), getenv("DB_USER"), NULL, NULL, port, NULL, 0) != NULL &&
        mysql_query(mysql, "select current_user()") == 0) {
        rows = mysql_store_result(mysql);
        row = rows == NULL ? NULL : mysql_fetch_row(rows);
    }
    (void)printf(
        row == NULL ? "failed: %s\n" : "ok %s\n", row == NULL ? mysql_error(mysql) : row[0]);
    mysql_free_result(rows);
    mysql_close(mysql);
    (void)fflush(stdout);
}
#else
__attribute__((visibility("default"))) void connect_now(void)
{
    PGconn *conn = PQconnectdb(getenv("CONNINFO"));
    PGresult *result = PQexec(conn, "select current_user");
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        (void)printf("ok %s\n", PQgetvalue(result, 0, 0));
    } else {
        (void)printf("failed: %s\n", PQerrorMessage(conn));
    }
    PQclear(result);
    PQfinish(conn);
    (void)fflush(stdout);
}
#endif

__attribute__((constructor)) static void connect_at_load(void)
{
    if (getenv("CONNECT_AT_LOAD") != NULL) {
        connect_now();
    }
}
