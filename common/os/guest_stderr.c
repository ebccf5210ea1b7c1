/* SPDX-License-Identifier: MIT
 *
 * Compares descriptor 2 with the recorded stderr before each line. Between the comparison and the
 * write another thread of the host may still close descriptor 2; no call closes that gap. */
#include "os/guest_stderr.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* The record of an object that has no ria_stderr_at_start to go by. */
static struct ria_stderr_file first_seen;
static pthread_once_t is_recorded = PTHREAD_ONCE_INIT;

/* -- what descriptor 2 is -------------------------------------------------------------------- */

/* A stderr came through execve(2), which leaves no descriptor open that has this flag. */
static bool is_inherited(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    return flags >= 0 && (flags & FD_CLOEXEC) == 0;
}

static bool is_unix_socket(int fd)
{
    int domain = AF_UNSPEC;
    socklen_t len = sizeof(domain);
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

/* systemd connects the stderr of a service to this socket of its journal. */
static bool is_journal(const struct sockaddr_un *peer, socklen_t len)
{
    static const char path[] = "/run/systemd/journal/stdout";
    return len >= offsetof(struct sockaddr_un, sun_path) + sizeof(path) &&
           memcmp(peer->sun_path, path, sizeof(path)) == 0;
}

/* A client or a server of a local protocol has a name at one end, the stderr of an ssh session has
 * none at either. */
static bool is_pair_or_journal(int fd)
{
    struct sockaddr_un own = {0};
    struct sockaddr_un peer = {0};
    socklen_t own_len = sizeof(own);
    socklen_t peer_len = sizeof(peer);
    if (getsockname(fd, (struct sockaddr *)&own, &own_len) != 0 ||
        getpeername(fd, (struct sockaddr *)&peer, &peer_len) != 0) {
        return false;
    }
    const socklen_t unnamed = offsetof(struct sockaddr_un, sun_path);
    return is_journal(&peer, peer_len) || (own_len <= unnamed && peer_len <= unnamed);
}

/* Whether a descriptor 2 of this kind is a log and not the program's data, where nothing tells
 * whether the program has closed its stderr already. */
static bool is_kind_of_log(int fd, mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFCHR:
        return isatty(fd) == 1;
    case S_IFIFO:
    case S_IFREG:
        return true;
    case S_IFSOCK:
        return is_unix_socket(fd) && is_pair_or_journal(fd);
    default:
        return false;
    }
}

void ria_stderr_inspect(struct ria_stderr_file *out)
{
    struct stat status = {0};
    bool is_known = fstat(STDERR_FILENO, &status) == 0 && is_inherited(STDERR_FILENO) &&
                    (!S_ISSOCK(status.st_mode) || is_unix_socket(STDERR_FILENO));
    *out = (struct ria_stderr_file){status.st_dev, status.st_ino, is_known};
}

/* -- the record ------------------------------------------------------------------------------ */

static void look_first(void)
{
    struct stat status;
    ria_stderr_inspect(&first_seen);
    first_seen.is_known = first_seen.is_known && fstat(STDERR_FILENO, &status) == 0 &&
                          is_kind_of_log(STDERR_FILENO, status.st_mode);
}

static const struct ria_stderr_file *recorded(void)
{
    if (&ria_stderr_at_start != NULL) {
        return &ria_stderr_at_start;
    }
    (void)pthread_once(&is_recorded, look_first);
    return &first_seen;
}

void ria_stderr_record(void)
{
    (void)recorded();
}

static bool is_still_stderr(void)
{
    const struct ria_stderr_file *record = recorded();
    struct ria_stderr_file now;
    ria_stderr_inspect(&now);
    return record->is_known && now.is_known && now.device == record->device &&
           now.inode == record->inode;
}

/* -- writing --------------------------------------------------------------------------------- */

/* Neither a reader that is gone nor one that does not read may disturb the host. */
void ria_stderr_write(const char *text, size_t len)
{
    if (!is_still_stderr()) {
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
