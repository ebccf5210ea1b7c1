/* SPDX-License-Identifier: MIT
 *
 * flock() has no time limit; an alarm is one. */
#include "fetch/fetch.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/time.h>

enum {
    ALARM_AGAIN_US = 20 * 1000
};

/* Ends flock() with EINTR by its arrival. */
static void take_alarm(int number)
{
    (void)number;
}

/* Repeated, because the first one may come before flock() has gone to sleep. 0: none any more. */
static void set_alarm(int64_t first)
{
    const struct itimerval when = {
        .it_value = {.tv_sec = first / 1000, .tv_usec = (first % 1000) * 1000},
        .it_interval = {.tv_usec = first == 0 ? 0 : ALARM_AGAIN_US},
    };
    (void)setitimer(ITIMER_REAL, &when, NULL);
}

/* Hundreds may wait for one: asleep they leave the machine to it. */
int ria_lock_within(int fd, int64_t timeout)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return 0;
    }
    if (errno != EWOULDBLOCK || timeout <= 0) {
        return errno;
    }
    const struct sigaction wake = {.sa_handler = take_alarm};
    (void)sigaction(SIGALRM, &wake, NULL);
    set_alarm(timeout);
    int error = flock(fd, LOCK_EX) == 0 ? 0 : errno;
    set_alarm(0);
    return error == EINTR ? EWOULDBLOCK : error;
}
