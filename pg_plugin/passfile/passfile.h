/* SPDX-License-Identifier: MIT
 *
 * Writes lines of libpq's passfile (~/.pgpass), and finds the file that a path leads to. Opens no
 * passfile, because the agent makes tokens whenever a program opens a passfile of the agent.
 *
 * The passfile has one line for each host, "host:port:*:user:password", with ':' and '\' escaped by
 * a backslash. A token contains a colon; without the backslash libpq would send only the part
 * before the colon. The format follows passwordFromFile() and pwdfMatchesString() in fe-connect.c,
 * PostgreSQL 10 to 18. The passfile contains no comments, because some readers other than libpq
 * take comments for entries.
 */
#ifndef RIA_PASSFILE_PASSFILE_H
#define RIA_PASSFILE_PASSFILE_H

#include "rds_iam.h"

#include <limits.h>
#include <sys/types.h>

/* One line. host and port are the same texts as in the service entry, because libpq compares them
 * byte by byte. */
struct ria_passfile_line {
    const char *host;
    const char *port;
    const char *user;
    const char *password;
};

/* Appends the line and a newline, with the fields escaped. Sets out->failed if a field contains a
 * newline, which has no escape: the rest of the field would be another line. Also sets out->failed
 * if the text is too long or memory runs out. */
void ria_passfile_add(struct ria_buf *out, const struct ria_passfile_line *line);

/* A directory, identified by its device and inode numbers, because a directory that is mounted
 * twice has two paths.
 */
struct ria_passfile_directory {
    dev_t device;
    ino_t inode; /* 0: none */
};

/* The place that a path leads to. A passfile is identified by its place and not by its path,
 * because links and mounts give one file several paths. realpath() does not help, because it fails
 * if the file does not exist yet. */
struct ria_passfile_place {
    struct ria_passfile_directory directory; /* none: the path's directory does not exist */
    char name[NAME_MAX + 1];                 /* name in that directory; may be empty */
    const char *path;                        /* as the caller gave it; borrowed */
};

/* Fills *out with the place that `path` leads to. Follows the links of the path's last component
 * and of the components before it, as far as their directories exist. `own` is the agent's own
 * directory, or NULL. If the links lead through this directory, the place is the last name that
 * they reach in this directory. This name may be that of a link to another directory: the agent
 * replaces such a link by a passfile. */
void ria_passfile_locate(
    const char *path, const struct ria_passfile_directory *own, struct ria_passfile_place *out);

/* Orders two places, for qsort(). Returns 0 if both are the same passfile. If the directories of
 * both paths do not exist, compares the texts of the paths. */
int ria_passfile_compare(
    const struct ria_passfile_place *left, const struct ria_passfile_place *right);

/* Returns true if both structs identify the same directory. Returns false if one of them identifies
 * no directory. */
bool ria_passfile_same_directory(
    const struct ria_passfile_directory *directory, const struct ria_passfile_directory *other);

#endif
