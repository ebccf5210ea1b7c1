/* SPDX-License-Identifier: MIT
 *
 * The process that serves the passfiles: the only one that opens them, and that holds leases. It
 * starts no process but by posix_spawn(), because a copy of it would hold the leases too. It ends
 * when it is told to, or when the supervisor is gone, and removes the passfiles.
 */
#ifndef RIA_AGENT_WORKER_H
#define RIA_AGENT_WORKER_H

#include "agent/agent.h"

#include <signal.h>

/* What goes over the control socket, as the first byte of a message. */
enum ria_digest_part {
    RIA_MESSAGE_READY = 'R',  /* from the worker: the passfiles are there */
    RIA_MESSAGE_STATUS = 'S', /* from the worker: followed by a sentence about what it does */
    RIA_MESSAGE_RENEW = 'H',  /* to it */
    RIA_MESSAGE_END = 'T',    /* to it */
};

enum {
    RIA_MESSAGE_MAX = 512
};

/* The exit status of a worker that was not told to end. */
enum {
    RIA_WORKER_GONE = 1,  /* the directory is: there is nothing left to serve */
    RIA_WORKER_SHORT = 3, /* it could not begin, for want of memory, descriptors or watches */
};

struct ria_worker_start {
    struct ria_agent *agent; /* with its directory open, and the watchdog */
    int control;             /* SOCK_SEQPACKET */
    int status;              /* listens for --status, or -1 */
    pid_t supervisor;
    int64_t since; /* when the agent was started */
};

/* Blocks until the end; the exit status. */
int ria_worker_run(const struct ria_worker_start *start);

#endif
