/* SPDX-License-Identifier: MIT
 *
 * Disables the thread's cancellation. Reads the program's disposition of each signal, and blocks
 * the signals that have a handler, except faults. Changes no disposition. */
#include "interpose/signal_guard.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

/* Returns true for a signal that a fault of the thread itself raises. Some runtimes depend on such
 * signals: garbage collectors on SIGSEGV, sandboxes on SIGSYS. */
static bool is_fault(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL ||
           number == SIGTRAP || number == SIGSYS;
}

static bool is_handled(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL &&
           action.sa_handler != SIG_IGN;
}

void ria_signal_guard_begin(struct ria_signal_guard *guard)
{
    int saved = errno;
    sigset_t handled;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &guard->cancel_state);
    (void)sigemptyset(&handled);
    for (int number = 1; number <= SIGRTMAX; number++) {
        if (!is_fault(number) && is_handled(number)) {
            (void)sigaddset(&handled, number);
        }
    }
    (void)pthread_sigmask(SIG_BLOCK, &handled, &guard->signals);
    errno = saved; /* EINVAL, from querying the two signals that glibc reserves */
}

void ria_signal_guard_end(const struct ria_signal_guard *guard)
{
    int saved = errno;
    (void)pthread_setcancelstate(guard->cancel_state, NULL);
    /* This is the last step, because a handler of a pending signal runs in this call, and may never
     * return. */
    (void)pthread_sigmask(SIG_SETMASK, &guard->signals, NULL);
    errno = saved;
}
