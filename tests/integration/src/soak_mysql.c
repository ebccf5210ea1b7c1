/* SPDX-License-Identifier: MIT
 *
 * The part of soak_mysql that uses libmariadb. It reads the user's option file. */
#include "soak.h"

#include <mysql.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

const char soak_usage[] = "HOST PORT USER";
const int soak_argument_count = 3;

void soak_begin(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)mysql_library_init(0, NULL, NULL);
}

bool soak_log_in(char **arguments, char *why, size_t size)
{
    MYSQL *mysql = mysql_init(NULL);
    unsigned port = (unsigned)strtoul(arguments[1], NULL, 10);
    bool ok =
        mysql != NULL && mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP, "soak") == 0 &&
        mysql_real_connect(mysql, arguments[0], arguments[2], NULL, NULL, port, NULL, 0) != NULL;
    if (!ok) {
        (void)snprintf(
            why,
            size,
            "%u %s",
            mysql == NULL ? 0 : mysql_errno(mysql),
            mysql == NULL ? "no memory" : mysql_error(mysql));
    }
    mysql_close(mysql);
    return ok;
}
