/* SPDX-License-Identifier: MIT
 *
 * Manages the agent's directory and the files in it, except the socket of status.h. Only this code
 * creates, replaces and removes passfiles. The directory belongs to the agent's user and has mode
 * 0700, so no other user can put a link or another file into it. This code does not depend on what
 * the files contain.
 *
 * Not thread-safe. Every name is a single path component.
 */
#ifndef RIA_AGENT_DIRECTORY_H
#define RIA_AGENT_DIRECTORY_H

#include "passfile/passfile.h"

#include <limits.h>
#include <sys/types.h>

struct ria_directory {
    char path[PATH_MAX]; /* absolute, resolved by realpath() */
    int fd;
    int lock;        /* agent.pid, locked by ria_directory_lock(), or -1 */
    bool is_default; /* the default directory, because --directory is not given */
    unsigned made;   /* the number of directories at the end of the path that ria_directory_open()
                        created */
};

/* Opens the directory `requested`. If `requested` is NULL, opens the default directory:
 * $XDG_RUNTIME_DIR/rds-iam/run if that variable names a directory that the user owns, else
 * ~/.cache/rds-iam/run. With `make`, creates missing directories with mode 0700, but no parent of
 * `requested`. Release *out with ria_directory_release().
 *
 * Returns false with err filled, and removes what it created, in these cases:
 *
 *   - for the default directory: neither XDG_RUNTIME_DIR nor HOME names a directory; or HOME is
 *     used, and it belongs to neither root nor the user, or is / although the user is not root;
 *   - the directory is missing or cannot be created;
 *   - another user owns the directory or can enter it;
 *   - the directory's file system does not store the mode 0600;
 *   - a parent directory belongs to neither root nor the user;
 *   - a parent directory without the sticky bit (which /tmp has) can be written by every user, or
 *     by a group other than the user's private group. */
bool ria_directory_open(
    const char *requested,
    bool make,
    const struct ria_world *world,
    struct ria_directory *out,
    struct ria_error *err) RIA_MUST_USE;

/* Removes the directories that ria_directory_open() created, as long as they are empty. For a
 * caller that has not used the directories. */
void ria_directory_unmake(const struct ria_directory *directory);

/* Returns the directory's device and inode, for service/index.h. */
struct ria_passfile_directory ria_directory_place(const struct ria_directory *directory);

/* Checks whether a passfile in the directory can have that name. Returns false with err filled for
 * a name that begins with a dot, for the names of the agent's own files, and for a name that is
 * empty or too long. The message does not name the service file and the line; the caller adds
 * them. */
bool ria_directory_may_hold(
    const struct ria_directory *directory, const char *name, struct ria_error *err) RIA_MUST_USE;

/* Replaces the file atomically by one that contains `text`, with mode 0600: a reader gets either
 * the old or the new text, complete. Returns false with err filled on failure. */
bool ria_directory_publish(
    const struct ria_directory *directory,
    const char *name,
    const struct ria_buf *text,
    struct ria_error *err) RIA_MUST_USE;

/* The steps of ria_directory_publish(), for a file that stays open. ria_directory_create() creates
 * the new file under a temporary name and returns its descriptor, or -1 with err filled.
 * ria_directory_put() renames the new file to its final name. ria_directory_drop() removes the new
 * file. */
int ria_directory_create(
    const struct ria_directory *directory, const char *name, struct ria_error *err) RIA_MUST_USE;
bool ria_directory_put(
    const struct ria_directory *directory, const char *name, struct ria_error *err) RIA_MUST_USE;
void ria_directory_drop(const struct ria_directory *directory, const char *name);

/* Returns true if the name still refers to the open file fd, and the file still has one link and
 * mode 0600. */
bool ria_directory_has(const struct ria_directory *directory, const char *name, int fd);

/* Removes a file. Does nothing if it does not exist. */
void ria_directory_remove(const struct ria_directory *directory, const char *name);

/* Returns true if the path no longer leads to the directory: the directory was removed (a logout
 * removes $XDG_RUNTIME_DIR), or the directory or a parent was moved. */
bool ria_directory_is_gone(const struct ria_directory *directory);

/* Makes this process the directory's only agent, and writes its process id to agent.pid. Returns
 * false with err filled if another agent serves the directory, if agent.pid is not a regular file
 * with one link, or if the file system has no locks. A forked child inherits the lock.
 * The lock ends when every process that has the lock's descriptor has closed the descriptor or
 * ended. */
bool ria_directory_lock(struct ria_directory *directory, struct ria_error *err) RIA_MUST_USE;

/* Writes this process's id to the file that ria_directory_lock() locked. */
void ria_directory_write_pid(const struct ria_directory *directory);

/* Opens agent.log for appending, with mode 0600. Returns the descriptor, or -1 with err filled. */
int ria_directory_open_log(const struct ria_directory *directory, struct ria_error *err)
    RIA_MUST_USE;

/* Fills err with "PATH/NAME: what: why", or with "PATH: what: why" if name is NULL, where why is
 * the text of errno. Returns false. */
bool ria_directory_fail(
    const char *path, const char *name, const char *what, struct ria_error *err);

/* Fills err with "PATH: what", and with the command that starts an agent for the directory. Returns
 * false. */
bool ria_directory_fail_unserved(
    const char *path, bool is_default, const char *what, struct ria_error *err);

/* Closes the directory and, if this process has the lock, removes agent.pid. Accepts a directory
 * that was never opened, whose descriptors are -1. */
void ria_directory_release(struct ria_directory *directory);

#endif
