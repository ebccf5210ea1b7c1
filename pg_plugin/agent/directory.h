/* SPDX-License-Identifier: MIT
 *
 * The agent's directory and every file in it: the one place that opens, replaces and removes
 * passfiles. The directory belongs to the agent's user and is closed to everybody else (0700), so
 * nobody can put a link or another file in the way. What the files hold is not known here.
 *
 * Not for threads. Names are single path components.
 */
#ifndef RIA_AGENT_DIRECTORY_H
#define RIA_AGENT_DIRECTORY_H

#include "passfile/passfile.h"

#include <limits.h>
#include <sys/types.h>

struct ria_directory {
    char path[PATH_MAX]; /* as realpath() gives it; what a passfile= line starts with */
    int fd;
    int lock;      /* of ria_directory_lock(), or -1 */
    unsigned made; /* components of the path, from its end, that were not there before */
};

/* Opens `wanted`, or where it is NULL the usual place: $XDG_RUNTIME_DIR/rds-iam/run if that
 * variable names a directory of the user's own, else ~/.cache/rds-iam/run. With `make`, directories
 * that are missing are made, 0700 from the start, but no parent of `wanted`. Refuses one that
 * belongs to somebody else or that others can enter, and one below a directory that belongs to
 * neither root nor the user, or that everybody or a group that is not the user's private one can
 * write (/tmp, with its sticky bit, is fine). Release with ria_directory_release(). */
bool ria_directory_open(
    const char *wanted,
    bool make,
    const struct ria_world *world,
    struct ria_directory *out,
    struct ria_error *err) RIA_MUST_USE;

/* Removes what ria_directory_open() has made, as far as it is empty: for whoever did nothing there.
 */
void ria_directory_unmake(const struct ria_directory *directory);

/* Its place, for service/index.h. */
struct ria_passfile_directory ria_directory_place(const struct ria_directory *directory);

/* Whether the agent serves a passfile of that name in it. Names that begin with a dot, and the
 * agent's own, are not for passfiles: false with the reason, without a place in front. */
bool ria_directory_may_hold(
    const struct ria_directory *directory, const char *name, struct ria_error *err) RIA_MUST_USE;

/* Replaces the file by one that holds `text`, 0600: whoever opens it sees the old or the new text,
 * whole. */
bool ria_directory_publish(
    const struct ria_directory *directory,
    const char *name,
    const struct ria_buf *text,
    struct ria_error *err) RIA_MUST_USE;

/* The same in pieces, for a file that stays open: makes the new file under a name of its own (-1
 * with err filled), and puts it in its place, or drops it. */
int ria_directory_create(
    const struct ria_directory *directory, const char *name, struct ria_error *err) RIA_MUST_USE;
bool ria_directory_put(
    const struct ria_directory *directory, const char *name, struct ria_error *err) RIA_MUST_USE;
void ria_directory_drop(const struct ria_directory *directory, const char *name);

/* Whether the name still stands for this file, and it is as it was made: one name, 0600. */
bool ria_directory_has(const struct ria_directory *directory, const char *name, int fd);

/* Removes a file; that it is not there is no error. */
void ria_directory_remove(const struct ria_directory *directory, const char *name);

/* Whether its path leads to it no more: it was removed, as a logout does to $XDG_RUNTIME_DIR, or it
 * or one above it was moved. */
bool ria_directory_is_gone(const struct ria_directory *directory);

/* Makes this process the directory's only agent, and writes its process id to agent.pid. False
 * with err filled if another one runs. The lock goes along with a fork, and is gone with its last
 * holder. */
bool ria_directory_lock(struct ria_directory *directory, struct ria_error *err) RIA_MUST_USE;

/* Writes this process's id into the file that ria_directory_lock() holds. */
void ria_directory_write_pid(const struct ria_directory *directory);

/* Opens agent.log for appending, 0600. -1 with err filled. */
int ria_directory_open_log(const struct ria_directory *directory, struct ria_error *err)
    RIA_MUST_USE;

/* Fails with "PATH/NAME: what: why", or without a name with "PATH: what: why": why is errno in
 * words. Returns false. */
bool ria_directory_fail(
    const char *path, const char *name, const char *what, struct ria_error *err);

/* Closes the directory and, if it holds the lock, removes agent.pid. Accepts one that never was
 * opened, with both descriptors -1. */
void ria_directory_release(struct ria_directory *directory);

#endif
