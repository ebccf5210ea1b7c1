/* SPDX-License-Identifier: MIT
 *
 * A write lease on a file of ours: fcntl(2), F_SETLEASE. While it is held, whoever opens the file
 * waits in open(2), and the holder gets RIA_LEASE_SIGNAL with the descriptor in si_fd. The kernel
 * grants it only while nobody else has the file open, so what is written before it is given back is
 * seen whole by everybody. It is gone with its holder's last descriptor: a dead agent stops nobody.
 * The kernel takes it away after fs.lease-break-time, 45 s, from one that does not react.
 *
 * Linux only; not on network file systems. Whether it works in a directory is found by trying.
 */
#ifndef RIA_AGENT_LEASE_H
#define RIA_AGENT_LEASE_H

#include "agent/directory.h"

#include <signal.h>

/* Queued by the kernel; both must be blocked and read through a signalfd. SIGIO comes, without a
 * descriptor, when the queue was full. */
#define RIA_LEASE_SIGNAL SIGRTMIN
#define RIA_LEASE_LOST_SIGNAL SIGIO

/* Makes an empty file, takes its lease and puts it in its place, in this order: nobody ever opens
 * it without waiting. -1 with err filled. */
int ria_lease_make(const struct ria_directory *directory, const char *name, struct ria_error *err)
    RIA_MUST_USE;

/* Takes it again. False with errno: EAGAIN while somebody has the file open. */
bool ria_lease_take(int fd) RIA_MUST_USE;

/* Lets those who wait go on. */
void ria_lease_give(int fd);

/* Whether somebody waits in open(2). */
bool ria_lease_is_wanted(int fd);

/* Tries it with a file that is removed again. False with err filled. */
bool ria_lease_works(const struct ria_directory *directory, struct ria_error *err) RIA_MUST_USE;

#endif
