/* SPDX-License-Identifier: MIT
 *
 * For LD_PRELOAD: a wall clock that goes wrong by the seconds that the file $MOVED_CLOCK holds at
 * that moment. The other clocks are right. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
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
        (void)!read(fd, text, sizeof(text) - 1);
        (void)close(fd);
    }
    errno = saved;
    return strtol(text, NULL, 10);
}

VISIBLE int clock_gettime(clockid_t clock, struct timespec *out)
{
    int result = (int)syscall(SYS_clock_gettime, clock, out);
    if (result == 0 && clock == CLOCK_REALTIME) {
        out->tv_sec += offset();
    }
    return result;
}
