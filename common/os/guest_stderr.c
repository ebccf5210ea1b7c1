/* SPDX-License-Identifier: MIT
 *
 * Writes log lines to descriptor 2, if the file at descriptor 2 is still the one that was
 * remembered as stderr (guest_stderr.h). Writes nothing if descriptor 2 is now another file. One
 * race remains: another thread of the host program may close descriptor 2 between the check and the
 * write. No system call does both at once. */
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
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* The file at descriptor 2 at the first call of ria_stderr_record(), for a process without
 * ria_stderr_at_start. */
static struct ria_stderr_file first_seen;
static pthread_once_t is_recorded = PTHREAD_ONCE_INIT;

/* -- the kind of descriptor 2 ---------------------------------------------------------------- */

/* Returns false if the descriptor has the close-on-exec flag. A process inherits its stderr through
 * execve(2), and execve(2) closes every descriptor with this flag. */
static bool is_inherited(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    return flags >= 0 && (flags & FD_CLOEXEC) == 0;
}

static bool is_unix_socket(int fd)
{
    struct sockaddr_un own = {.sun_family = AF_UNSPEC};
    socklen_t len = sizeof(own);
    return getsockname(fd, (struct sockaddr *)&own, &len) == 0 && own.sun_family == AF_UNIX;
}

/* systemd connects the stderr of a service to this socket of its journal. */
static bool is_journal(const struct sockaddr_un *peer, socklen_t len)
{
    static const char path[] = "/run/systemd/journal/stdout";
    return len >= offsetof(struct sockaddr_un, sun_path) + sizeof(path) &&
           memcmp(peer->sun_path, path, sizeof(path)) == 0;
}

/* A socket pair, such as the stderr of an ssh session, has no name at either end. A connection to a
 * local server, such as a database on this machine, has a name at one end, and is not a stderr. */
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

/* Returns true if a descriptor of this kind can be a stderr. The check is for a process without
 * ria_stderr_at_start, because that process may have closed its stderr and opened something else
 * instead, such as a device or a connection to a server. The check cannot recognize a data file. */
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
    *out = (struct ria_stderr_file){
        .device = status.st_dev, .inode = status.st_ino, .is_known = is_known};
}

/* -- the record ------------------------------------------------------------------------------ */

static void record_first(void)
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
    (void)pthread_once(&is_recorded, record_first);
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

/* The kernel raises SIGPIPE if the reader of a pipe has exited, and SIGXFSZ if a file has reached
 * RLIMIT_FSIZE. A signal that was pending before the write belongs to the host program and stays
 * pending. */
ssize_t ria_guest_write(int fd, const char *text, size_t len)
{
    sigset_t ours;
    sigset_t before;
    sigset_t pending;
    (void)sigemptyset(&ours);
    (void)sigaddset(&ours, SIGPIPE);
    (void)sigaddset(&ours, SIGXFSZ);
    (void)pthread_sigmask(SIG_BLOCK, &ours, &before);
    (void)sigpending(&pending);
    ssize_t done = syscall(SYS_write, fd, text, len); /* not a cancellation point */
    int error = errno;
    int raised = done >= 0 ? 0 : error == EPIPE ? SIGPIPE : error == EFBIG ? SIGXFSZ : 0;
    if (raised != 0 && sigismember(&pending, raised) == 0) {
        const struct timespec at_once = {0};
        sigset_t only;
        (void)sigemptyset(&only);
        (void)sigaddset(&only, raised);
        (void)sigtimedwait(&only, NULL, &at_once);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return done;
}

/* Calls poll() first, because a write to a full pipe that its reader does not empty would block the
 * host program. */
void ria_stderr_write(const char *text, size_t len)
{
    struct pollfd stderr_now = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (is_still_stderr() && poll(&stderr_now, 1, 0) == 1) {
        (void)!ria_guest_write(STDERR_FILENO, text, len);
    }
}
