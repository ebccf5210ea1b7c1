/* SPDX-License-Identifier: MIT
 *
 * A program whose look-up of host names asks a database, as a name service may: libpq calls it in
 * the midst of a connection, and it begins another one.
 *
 *   connects_within CONNINFO CONNINFO
 *
 * The first connection is the outer one, whose host is not found. Prints why both failed.
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

/* In the place of libc's. */
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
