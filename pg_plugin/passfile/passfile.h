/* SPDX-License-Identifier: MIT
 *
 * The format of libpq's passfile (~/.pgpass): one line for each host, "host:port:*:user:password",
 * with ':' and '\' escaped by a backslash. A token holds a colon, and unescaped libpq would send
 * what stands in front of it. Text only: files are the agent's business.
 *
 * Follows passwordFromFile() and pwdfMatchesString() in fe-connect.c, PostgreSQL 10 to 18. No
 * comments are written: some readers other than libpq take them for entries.
 */
#ifndef RIA_PASSFILE_PASSFILE_H
#define RIA_PASSFILE_PASSFILE_H

#include "rds_iam.h"

struct ria_passfile_line {
    const char *host; /* texts as in the service entry: libpq compares them byte by byte */
    const char *port;
    const char *user;
    const char *password;
};

/* Appends the line and its newline. Failures are remembered by the buffer. */
void ria_passfile_add(struct ria_buf *out, const struct ria_passfile_line *line);

#endif
