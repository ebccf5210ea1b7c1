/* SPDX-License-Identifier: MIT
 *
 * Protects a piece of the preload's work on a thread of the program from being left halfway, by
 * cancellation of the thread or by a signal handler that does not return.
 */
#ifndef RIA_INTERPOSE_SIGNAL_GUARD_H
#define RIA_INTERPOSE_SIGNAL_GUARD_H

#include <signal.h>

/* What ria_signal_guard_end() restores. */
struct ria_signal_guard {
    sigset_t signals; /* the thread's signal mask */
    int cancelling;   /* its cancellation state */
};

/* Disables the thread's cancellation and blocks every signal for which the program has a handler: a
 * handler may leave by siglongjmp(), as one for an alarm does that ends a connection. Two kinds of
 * signals are not blocked. A signal without a handler still ends the program, so Ctrl-C works as it
 * does elsewhere. And faults (SIGSEGV and the like) cannot wait: the kernel kills a thread that
 * causes a blocked one. Guards can be nested. errno is unchanged. */
void ria_signal_guard_begin(struct ria_signal_guard *guard);

/* Restores the signal mask and the cancellation state. Signals that were blocked meanwhile are
 * delivered here. errno is unchanged. */
void ria_signal_guard_end(const struct ria_signal_guard *guard);

#endif
