/* SPDX-License-Identifier: MIT
 *
 * A libpq with very few functions. It never connects. It prints the connection string that it
 * receives; PQsetdbLogin() prints only the database name and the password. */
#include <stdio.h>

#define EXPORTED __attribute__((visibility("default")))

static void *begin(const char *conninfo)
{
    printf("begun: %s\n", conninfo);
    (void)fflush(stdout);
    return NULL;
}

EXPORTED void *PQconninfo(void *conn);
EXPORTED void *PQconninfo(void *conn)
{
    return conn;
}

EXPORTED void *PQconnectdb(const char *conninfo);
EXPORTED void *PQconnectdb(const char *conninfo)
{
    return begin(conninfo);
}

EXPORTED void *PQconnectStart(const char *conninfo);
EXPORTED void *PQconnectStart(const char *conninfo)
{
    return begin(conninfo);
}

EXPORTED void *PQsetdbLogin(
    const char *host,
    const char *port,
    const char *options,
    const char *tty,
    const char *dbname,
    const char *login,
    const char *password);
EXPORTED void *PQsetdbLogin(
    const char *host,
    const char *port,
    const char *options,
    const char *tty,
    const char *dbname,
    const char *login,
    const char *password)
{
    (void)host;
    (void)port;
    (void)options;
    (void)tty;
    (void)login;
    printf("begun: %s %s\n", dbname, password == NULL ? "without a password" : password);
    (void)fflush(stdout);
    return NULL;
}

EXPORTED unsigned PQping(const char *conninfo);
EXPORTED unsigned PQping(const char *conninfo)
{
    (void)begin(conninfo);
    return 0;
}
