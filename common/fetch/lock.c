/* SPDX-License-Identifier: MIT
 *
 * Takes a file lock with a time limit. flock() has no timeout, so a timer interrupts it with
 * SIGALRM. */
#include "fetch/fetch.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/time.h>

enum {
    ALARM_AGAIN_US = 20 * 1000
};

/* Does nothing, because the signal itself interrupts flock(), which fails with EINTR. */
static void on_alarm(int number)
{
    (void)number;
}

/* Starts a timer that sends SIGALRM after `first` milliseconds, then every 20 ms, because the first
 * signal may arrive before flock() sleeps. If `first` is 0, stops the timer. */
static void set_alarm(int64_t first)
{
    const struct itimerval when = {
        .it_value = {.tv_sec = first / 1000, .tv_usec = (first % 1000) * 1000},
        .it_interval = {.tv_usec = first == 0 ? 0 : ALARM_AGAIN_US},
    };
    (void)setitimer(ITIMER_REAL, &when, NULL);
}

/* Sleeps in flock() instead of polling, so that hundreds of waiting processes leave the CPU to the
 * process that holds the lock. */
int ria_lock_within(int fd, int64_t timeout)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return 0;
    }
    if (errno != EWOULDBLOCK || timeout <= 0) {
        return errno;
    }
    const struct sigaction wake = {.sa_handler = on_alarm}; /* without SA_RESTART */
    (void)sigaction(SIGALRM, &wake, NULL);
    set_alarm(timeout);
    int error = flock(fd, LOCK_EX) == 0 ? 0 : errno;
    set_alarm(0);
    return error == EINTR ? EWOULDBLOCK : error;
}
