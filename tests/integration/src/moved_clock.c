/* SPDX-License-Identifier: MIT
 *
 * For LD_PRELOAD: moves the wall clock by the number of seconds that the file $MOVED_CLOCK contains
 * when the clock is read. The other clocks are not changed.
 *
 * When the real clock is set, the kernel cancels timers with TFD_TIMER_CANCEL_ON_SET. The kernel
 * does not see this change of the clock, so a test creates the file $MOVED_CLOCK.told. While this
 * file exists, timerfd_settime() makes the program's timer with this flag readable. read() then
 * removes the file and fails with ECANCELED. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define VISIBLE __attribute__((visibility("default")))

static long offset(void)
{
    char text[32] = "";
    int saved = errno;
    const char *path = getenv("MOVED_CLOCK");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!syscall(SYS_read, fd, text, sizeof(text) - 1);
        (void)close(fd);
    }
    errno = saved;
    return strtol(text, NULL, 10);
}

VISIBLE int clock_gettime(clockid_t clock, struct timespec *out)
{
    int result = (int)syscall(SYS_clock_gettime, clock, out);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        out->tv_sec += offset();
    }
    return result;
}

static int wall_timer = -1;

static void name_mark(char mark[PATH_MAX])
{
    const char *path = getenv("MOVED_CLOCK");
    (void)snprintf(mark, PATH_MAX, "%s.told", path == NULL ? "" : path);
}

VISIBLE int timerfd_settime(
    int fd, int flags, const struct itimerspec *value, struct itimerspec *before)
{
    char mark[PATH_MAX];
    const struct itimerspec past = {.it_value = {.tv_nsec = 1}};
    if ((flags & TFD_TIMER_CANCEL_ON_SET) != 0) {
        wall_timer = fd;
    }
    int result = (int)syscall(SYS_timerfd_settime, fd, flags, value, before);
    int saved = errno;
    name_mark(mark);
    if (wall_timer >= 0 && access(mark, F_OK) == 0) {
        (void)syscall(SYS_timerfd_settime, wall_timer, TFD_TIMER_ABSTIME, &past, NULL);
    }
    errno = saved;
    return result;
}

VISIBLE ssize_t read(int fd, void *out, size_t size)
{
    char mark[PATH_MAX];
    ssize_t len = syscall(SYS_read, fd, out, size);
    int saved = errno;
    name_mark(mark);
    bool is_told = fd == wall_timer && len > 0 && unlink(mark) == 0;
    errno = is_told ? ECANCELED : saved;
    return is_told ? -1 : len;
}
