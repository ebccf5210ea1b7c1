/* SPDX-License-Identifier: MIT
 *
 * Asks rds-iam-mysql-host.so about a host: loads it at the first question, and runs each question
 * on a stack that has room (os/guest_thread.h). Signals that the program handles wait meanwhile
 * (interpose/signal_guard.h).
 *
 * From any thread. Keeps errno.
 */
#ifndef RIA_MYSQL_PRELOAD_HOST_QUERY_H
#define RIA_MYSQL_PRELOAD_HOST_QUERY_H

#include "preload/host_module.h"

/* Fills *out. Where the other object cannot be loaded or has no stack, the host counts as none of
 * ours and a warning names the reason: the connection is then the program's own, and the plugin
 * refuses to send a token over it if it is not verified. */
void ria_host_query(const struct ria_host_target *target, struct ria_host_verdict *out);

#endif
