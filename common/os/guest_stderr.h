/* SPDX-License-Identifier: MIT
 *
 * Writes to the stderr of the current process, which may be another vendor's program (the host
 * program). This code is part of the core and of librds-iam-pq.so.
 *
 * Descriptor 2 is stderr only until the program closes it. The next file that the program opens can
 * get the number 2, and a log line would corrupt that file. So a line is written only while
 * descriptor 2 is the file that was remembered as the stderr:
 *
 *   ria_stderr_at_start  the file at descriptor 2 before main(). rds-iam's programs and
 *                        librds-iam-pq.so define this variable, so every program under rds-iam exec
 *                        has it.
 *   otherwise            the file at descriptor 2 at the first call of ria_stderr_record(), if it
 *                        can be a stderr: a terminal, a file, a pipe, a pair of Unix sockets or the
 *                        journal's socket, without the close-on-exec flag. Limit: the program may
 *                        have closed its stderr before this call, and opened its own file at
 *                        descriptor 2 without that flag. This code cannot distinguish this file
 *                        from the stderr of a program that was started with 2>FILE.
 */
#ifndef RIA_OS_GUEST_STDERR_H
#define RIA_OS_GUEST_STDERR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ria_stderr_file {
    dev_t device;
    ino_t inode;
    bool is_known;       /* false: descriptor 2 was not a stderr, so nothing is ever written */
    bool is_reported[2]; /* one flag for each kind of fault of RDS_IAM_LOG: guest_log.c sets it when
                            it reports the fault, so that several objects of rds-iam in a process do
                            not repeat the report */
};

/* Weak: the address is NULL if neither the program nor a preloaded rds-iam library defines it. */
extern struct ria_stderr_file ria_stderr_at_start __attribute__((weak, visibility("default")));

/* Fills *out with the file at descriptor 2. The object that defines ria_stderr_at_start calls this
 * before main() or at its beginning. out->is_known is false if the descriptor is closed, has the
 * close-on-exec flag, or is a socket other than a Unix socket. Changes errno. */
void ria_stderr_inspect(struct ria_stderr_file *out);

/* Remembers which file is at descriptor 2, if ria_stderr_at_start is absent. Only the first call
 * has an effect. Thread-safe. Changes errno. */
void ria_stderr_record(void);

/* Calls write(2) without raising SIGPIPE or SIGXFSZ in the host program. Returns the result of
 * write(2), with errno set on failure. */
ssize_t ria_guest_write(int fd, const char *text, size_t len);

/* Writes the text. Writes nothing if descriptor 2 is not the file that was remembered as the
 * stderr, or if the write would block. Never raises SIGPIPE or SIGXFSZ in the host program. If no
 * stderr is remembered yet, first does what ria_stderr_record() does. Thread-safe. Changes errno.
 */
void ria_stderr_write(const char *text, size_t len);

#endif
