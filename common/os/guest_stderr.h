/* SPDX-License-Identifier: MIT
 *
 * Writing to the stderr of a process whose program may not be ours. Part of the core, and of
 * librds-iam-pq.so, which has no other part of the core that does I/O.
 *
 * Descriptor 2 is stderr only until the program closes it: the next file that the program opens
 * gets the number, and a line of ours would corrupt that file. So a line is written only while
 * descriptor 2 is the file that was recorded as the stderr:
 *
 *   ria_stderr_at_start  what descriptor 2 was before the program's main(). Every program of ours
 *                        and librds-iam-pq.so define it, so it is known under rds-iam exec.
 *   else                 what descriptor 2 is at the first ria_stderr_record(), if it can be a
 *                        stderr: a terminal, a file, a pipe, a pair of Unix sockets or the
 *                        journal's socket, without the close-on-exec flag. A program that has
 *                        closed its stderr before that, and has opened a file of its own there
 *                        without that flag, cannot be told from one that was started with 2>FILE.
 */
#ifndef RIA_STDERR_H
#define RIA_STDERR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ria_stderr_file {
    dev_t device;
    ino_t inode;
    bool is_known; /* false: there was no stderr, so nothing is ever written */
};

/* Weak: absent, its address NULL, where neither the program nor a preload of ours defines it. */
extern struct ria_stderr_file ria_stderr_at_start __attribute__((weak, visibility("default")));

/* What descriptor 2 is now, for who defines ria_stderr_at_start: called before main() or at its
 * beginning. A descriptor that execve(2) would have closed, or a connection to another machine, is
 * not a stderr. Changes errno. */
void ria_stderr_inspect(struct ria_stderr_file *out);

/* Records the stderr, at the first call, where ria_stderr_at_start is absent. May be called from
 * any thread. Changes errno. */
void ria_stderr_record(void);

/* Writes the text, or nothing: where descriptor 2 is not the recorded stderr, or would make the
 * program wait or get a SIGPIPE. Records the stderr if that was not done. Changes errno. */
void ria_stderr_write(const char *text, size_t len);

#endif
