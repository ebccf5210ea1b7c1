/* SPDX-License-Identifier: MIT
 *
 * The part of soak_pq that uses libpq. */
#include "soak.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>

const char soak_usage[] = "CONNINFO";
const int soak_argument_count = 1;

void soak_begin(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
}

bool soak_log_in(char **arguments, char *why, size_t size)
{
    PGconn *connection = PQconnectdb(arguments[0]);
    bool ok = PQstatus(connection) == CONNECTION_OK;
    if (!ok) {
        (void)snprintf(why, size, "%s", PQerrorMessage(connection));
    }
    PQfinish(connection);
    return ok;
}
