/* SPDX-License-Identifier: MIT
 *
 * The target of a connection: those settings, as libpq has resolved them, that decide whether a
 * token may be sent, and for which host and user the token is made. Part of the interface between
 * the preload object and the token module (module.h).
 */
#ifndef RIA_PRELOAD_PQ_TARGET_H
#define RIA_PRELOAD_PQ_TARGET_H

#include <stdbool.h>

/* Strings are borrowed. NULL: the setting has no value. */
struct ria_pq_target {
    const char *host; /* host, hostaddr and port may be lists, with commas */
    const char *hostaddr;
    const char *port;
    const char *user;
    const char *sslmode;
    const char *gssencmode; /* libpq 12 and later */
    const char *passfile;   /* NULL: libpq found no home directory and reads no passfile */
    /* The program or its passfile has a valid token that rds-iam did not make for this connection.
     * Because the connection may succeed with this token, a failure to make a token is logged as
     * information, not as a warning. */
    bool has_token;
    bool has_socket; /* at least one host is a Unix socket, so no token is sent */

    /* The service file that libpq read settings from: its path (NULL: none), and a descriptor of
     * the same open file (-1: it could not be duplicated, so the file counts as writable by
     * others). No token is sent if another user can write the file. */
    const char *service_path;
    int service_fd;
};

/* Which root certificates verify the hosts of a target. An RDS host has an RDS endpoint's name, or
 * a name that rds-iam's configuration maps to an RDS endpoint. */
enum ria_pq_ca {
    /* The target has no host or no user, or at least one host is a Unix socket or is not an RDS
     * host. */
    RIA_PQ_CA_NONE,
    /* The roots of RDS. At least one host is an instance or a cluster, or is mapped to one; the
     * other hosts may need the public roots. */
    RIA_PQ_CA_RDS,
    RIA_PQ_CA_PUBLIC, /* Amazon's public roots: every host is an RDS Proxy or a cluster of Aurora
                         DSQL, or is mapped to one */
    /* The roots of RDS, and the certificate need not contain the host's name: for every host,
     * rds-iam's configuration has tls = verify-ca. */
    RIA_PQ_CA_RDS_CHAIN,
};

#endif
