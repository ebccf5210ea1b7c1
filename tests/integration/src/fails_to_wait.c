/* SPDX-License-Identifier: MIT
 *
 * Preloaded: replaces poll() and epoll_wait(). The variable WAIT_FAULT names a file. While the file
 * contains the name of one of the two functions, each call of that function fails with EBADF. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool fails(const char *function)
{
    char text[32] = "";
    const char *path = getenv("WAIT_FAULT");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!read(fd, text, sizeof(text) - 1);
        (void)close(fd);
    }
    return strcmp(text, function) == 0;
}

__attribute__((visibility("default"))) int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    if (fails("poll")) {
        errno = EBADF;
        return -1;
    }
    const struct timespec limit = {timeout / 1000, timeout % 1000 * 1000000L};
    return (int)syscall(SYS_ppoll, fds, count, timeout < 0 ? NULL : &limit, NULL, 0);
}

__attribute__((visibility("default"))) int epoll_wait(
    int epoll, struct epoll_event *events, int count, int timeout)
{
    if (fails("epoll_wait")) {
        errno = EBADF;
        return -1;
    }
    return (int)syscall(SYS_epoll_pwait, epoll, events, count, timeout, NULL, 0);
}
