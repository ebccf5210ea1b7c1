/* SPDX-License-Identifier: MIT
 *
 * A program whose host name lookup queries a database, as a name service may do. libpq calls the
 * lookup during a connection attempt, and the lookup starts another connection.
 *
 *   connects_within CONNINFO CONNINFO
 *
 * The first CONNINFO is that of the outer connection, whose lookup always fails. The second must
 * need no lookup. Prints the errors of both connections.
 */
#include <libpq-fe.h>
#include <netdb.h>
#include <stdio.h>

static const char *inner;

static void connect_and_report(const char *name, const char *conninfo)
{
    PGconn *conn = PQconnectdb(conninfo);
    (void)printf("%s: %s\n", name, PQerrorMessage(conn));
    PQfinish(conn);
}

/* Replaces the function of libc. */
__attribute__((visibility("default"))) int getaddrinfo(
    const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    (void)node;
    (void)service;
    (void)hints;
    *result = NULL;
    connect_and_report("inner", inner);
    return EAI_FAIL;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 2;
    }
    inner = argv[2];
    connect_and_report("outer", argv[1]);
    return 0;
}
