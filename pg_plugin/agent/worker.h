/* SPDX-License-Identifier: MIT
 *
 * The process that serves the passfiles: while it runs, no other process of the agent opens them or
 * holds leases. The worker starts other processes only with posix_spawn(), because a forked copy
 * would also hold the leases. When the supervisor tells the worker to end, or has died, the worker
 * removes the passfiles and ends.
 */
#ifndef RIA_AGENT_WORKER_H
#define RIA_AGENT_WORKER_H

#include "agent/agent.h"

#include <signal.h>

/* The first byte of a message on the control socket. */
enum ria_worker_message {
    RIA_MESSAGE_READY = 'R',  /* from the worker: the passfiles exist */
    RIA_MESSAGE_STATUS = 'S', /* from the worker: followed by a summary of what it serves */
    RIA_MESSAGE_ERROR = 'E',  /* from the worker, before the summary: why a service has no token */
    RIA_MESSAGE_RENEW = 'H',  /* to the worker: read all files and renew all tokens */
    RIA_MESSAGE_END = 'T',    /* to the worker: end */
};

enum {
    RIA_MESSAGE_MAX = 1024
};

/* The exit status of a worker that ended although it was not told to end. */
enum {
    RIA_WORKER_GONE = 1,  /* the directory is gone, so nothing is left to serve */
    RIA_WORKER_SHORT = 3, /* for lack of memory, descriptors or inotify watches, the worker could
                             not start; or epoll_wait() failed */
};

struct ria_worker_start {
    struct ria_agent *agent; /* its directory and its watchdog are open */
    int control;             /* SOCK_SEQPACKET */
    int status;              /* the listening socket of --status, or -1 */
    pid_t supervisor;
    int64_t since; /* when the agent was started, seconds since 1970 */
};

/* Runs the worker until it ends. Returns the exit status. */
int ria_worker_run(const struct ria_worker_start *start);

#endif
