/* SPDX-License-Identifier: MIT
 *
 * Manages a write lease on a passfile: fcntl(2), F_SETLEASE. While the worker holds the lease, a
 * client that opens the file blocks in open(2), and the kernel sends the worker RIA_LEASE_SIGNAL
 * with the file's descriptor in si_fd. The kernel grants this lease only while no other process has
 * the file open. The worker writes the complete text before it releases the lease, so every client
 * reads the complete text. The lease ends when its holder's last descriptor is closed, so a dead
 * agent blocks no client. If the holder does not react to the signal, the kernel breaks the lease
 * after fs.lease-break-time, 45 s.
 *
 * Leases exist only on Linux and not on network file systems. ria_lease_works() tests whether they
 * work in a directory.
 */
#ifndef RIA_AGENT_LEASE_H
#define RIA_AGENT_LEASE_H

#include "agent/directory.h"

#include <signal.h>

/* The signals of a lease. Both must be blocked and read through a signalfd. The kernel queues
 * RIA_LEASE_SIGNAL for each lease; when the queue is full, it sends SIGIO instead, without a
 * descriptor. */
#define RIA_LEASE_SIGNAL SIGRTMIN
#define RIA_LEASE_LOST_SIGNAL SIGIO

/* Creates an empty file, takes its lease, and then renames it to its final name. In this order no
 * client can open the file without blocking. Returns the descriptor, or -1 with err filled. */
int ria_lease_make(const struct ria_directory *directory, const char *name, struct ria_error *err)
    RIA_MUST_USE;

/* Takes the lease again. On failure, returns false with errno set. EAGAIN means that another
 * process has the file open. */
bool ria_lease_take(int fd) RIA_MUST_USE;

/* Releases the lease, so that open(2) returns in the clients that wait. */
void ria_lease_release(int fd);

/* Returns true if a client waits in open(2) for the file. */
bool ria_lease_has_waiter(int fd);

/* Tests with a temporary file whether leases work in the directory. Returns false with err filled
 * if they do not. */
bool ria_lease_works(const struct ria_directory *directory, struct ria_error *err) RIA_MUST_USE;

#endif
