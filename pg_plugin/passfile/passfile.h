/* SPDX-License-Identifier: MIT
 *
 * libpq's passfile (~/.pgpass): the format of its lines, and which file a path leads to. No
 * passfile is opened here: an agent may serve it.
 *
 * One line for each host, "host:port:*:user:password", with ':' and '\' escaped by a backslash. A
 * token holds a colon, and unescaped libpq would send what stands in front of it. Follows
 * passwordFromFile() and pwdfMatchesString() in fe-connect.c, PostgreSQL 10 to 18. No comments are
 * written: some readers other than libpq take them for entries.
 */
#ifndef RIA_PASSFILE_PASSFILE_H
#define RIA_PASSFILE_PASSFILE_H

#include "rds_iam.h"

#include <limits.h>
#include <sys/types.h>

struct ria_passfile_line {
    const char *host; /* texts as in the service entry: libpq compares them byte by byte */
    const char *port;
    const char *user;
    const char *password;
};

/* Appends the line and its newline. Failures are remembered by the buffer. */
void ria_passfile_add(struct ria_buf *out, const struct ria_passfile_line *line);

/* A directory by its numbers: one that is mounted twice has two paths. */
struct ria_passfile_directory {
    dev_t device;
    ino_t inode; /* 0: none */
};

/* Where a path leads. A place and not a path tells passfiles apart, because links and mounts give
 * one file several paths; realpath() does not do, because the file need not be there. */
struct ria_passfile_place {
    struct ria_passfile_directory directory; /* none: the path's directory is not there */
    char name[NAME_MAX + 1];                 /* in it; may be empty */
    const char *path;                        /* as it was given; borrowed */
};

/* Follows the links of the path's last component and of those before it, to the last directory that
 * is there. Where `own` is not NULL, the last step that lies in that directory counts and not what
 * it leads to: for an agent, which replaces what it finds in its directory. */
void ria_passfile_locate(
    const char *path, const struct ria_passfile_directory *own, struct ria_passfile_place *out);

/* Orders places; 0: one passfile. Paths without a directory are compared as texts. */
int ria_passfile_compare(
    const struct ria_passfile_place *left, const struct ria_passfile_place *right);

/* Whether both are the same directory, and not none. */
bool ria_passfile_same_directory(
    const struct ria_passfile_directory *directory, const struct ria_passfile_directory *other);

#endif
