/* SPDX-License-Identifier: MIT
 *
 * Prevents cancellation, and signal handlers that do not return, from interrupting the preload's
 * work on one of the program's threads.
 */
#ifndef RIA_INTERPOSE_SIGNAL_GUARD_H
#define RIA_INTERPOSE_SIGNAL_GUARD_H

#include <signal.h>

/* The state that ria_signal_guard_end() restores. */
struct ria_signal_guard {
    sigset_t signals; /* the thread's signal mask */
    int cancel_state; /* the thread's cancelability state */
};

/* Disables the thread's cancellation, and blocks every signal for which the program has a handler,
 * except faults. Otherwise a handler could leave the guarded work with siglongjmp(); for example,
 * the handler of an alarm does so to end a connection attempt. Signals without a handler are not
 * blocked. An ignored signal has no effect, and a signal with its default action has its usual
 * effect: for example, Ctrl-C still ends the program. Faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL,
 * SIGTRAP and SIGSYS) are not blocked, because the kernel kills the process if a fault occurs while
 * the fault's signal is blocked. Guards can be nested. errno is unchanged. */
void ria_signal_guard_begin(struct ria_signal_guard *guard);

/* Restores the signal mask and the cancelability state. A blocked signal that has arrived since
 * ria_signal_guard_begin() is delivered by this call. errno is unchanged. */
void ria_signal_guard_end(const struct ria_signal_guard *guard);

#endif
