/* SPDX-License-Identifier: MIT
 *
 * A stretch of our work, on a thread of the program's, that is not to be left halfway.
 */
#ifndef RIA_INTERPOSE_SIGNAL_GUARD_H
#define RIA_INTERPOSE_SIGNAL_GUARD_H

#include <signal.h>

struct ria_signal_guard {
    sigset_t signals;
    int cancelling;
};

/* Puts off the thread's cancellation and every signal that the program has a handler for, which
 * might never return: siglongjmp(), as from an alarm that ends a connection. What is not put off: a
 * signal without a handler, so that Ctrl-C ends a program that waits for us as it would end it
 * elsewhere; and faults, which the kernel does not put off but kills for. Can be nested. */
void ria_signal_guard_begin(struct ria_signal_guard *guard);

/* What was put off comes in here. Keeps errno. */
void ria_signal_guard_end(const struct ria_signal_guard *guard);

#endif
