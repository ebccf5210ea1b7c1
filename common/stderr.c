/* SPDX-License-Identifier: MIT
 *
 * What descriptor 2 is, the program alone knows; see may_be_stderr(). */
#include "stderr.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A host that closes its stderr gets the number again for the next thing that it opens. A
 * connection to another machine is never a log; whether a file, a pipe or a socket of this machine
 * is one (it is, under systemd), nobody but the host can know. */
static bool may_be_stderr(int fd)
{
    int domain = AF_UNSPEC;
    socklen_t len = sizeof(domain);
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 || domain == AF_UNIX;
}

/* Neither a reader that is gone nor one that does not read may disturb the host. */
void ria_stderr_write(const char *text, size_t len)
{
    if (!may_be_stderr(STDERR_FILENO)) {
        return;
    }
    struct pollfd stderr_now = {.fd = STDERR_FILENO, .events = POLLOUT};
    sigset_t pipe_signal;
    sigset_t before;
    sigset_t pending;
    (void)sigemptyset(&pipe_signal);
    (void)sigaddset(&pipe_signal, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    (void)sigpending(&pending);
    if (poll(&stderr_now, 1, 0) == 1 && write(STDERR_FILENO, text, len) < 0 && errno == EPIPE &&
        sigismember(&pending, SIGPIPE) == 0) {
        const struct timespec at_once = {0};
        (void)sigtimedwait(&pipe_signal, NULL, &at_once);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}
