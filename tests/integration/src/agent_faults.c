/* SPDX-License-Identifier: MIT
 *
 * Preloaded into the agent: makes a function fail, or an edit happen at a given moment.
 *
 *   - AGENT_FAULT is the name of a function: epoll_create1, timerfd_create and, in the worker,
 *     signalfd then fail with EMFILE. flock fails with ENOLCK. The first call of poll fails with
 *     EINTR.
 *   - AGENT_STARVED is a number: calloc() then fails once for an array of so many elements of the
 *     size of size_t.
 *   - AGENT_EDIT is a file, AGENT_EDITED the file that it replaces, and AGENT_EDIT_AT the moment:
 *     "watch" is the first inotify_add_watch() for edits of other files; any other text is a path,
 *     and the moment is when the agent opens the file of this path. The edit happens at each such
 *     moment at which AGENT_EDIT exists. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define VISIBLE __attribute__((visibility("default")))

static bool is_set_to(const char *variable, const char *value)
{
    const char *text = getenv(variable);
    return text != NULL && strcmp(text, value) == 0;
}

static bool fails(const char *function, int error)
{
    bool is_failing = is_set_to("AGENT_FAULT", function);
    errno = is_failing ? error : errno;
    return is_failing;
}

static void edit_at(const char *moment)
{
    int saved = errno;
    if (is_set_to("AGENT_EDIT_AT", moment)) {
        (void)rename(getenv("AGENT_EDIT"), getenv("AGENT_EDITED"));
    }
    errno = saved;
}

VISIBLE int epoll_create1(int flags)
{
    return fails("epoll_create1", EMFILE) ? -1 : (int)syscall(SYS_epoll_create1, flags);
}

VISIBLE int signalfd(int fd, const sigset_t *signals, int flags)
{
    /* The first call is that of the supervisor. The worker inherits the counter. */
    static int calls;
    return calls++ > 0 && fails("signalfd", EMFILE)
               ? -1
               : (int)syscall(SYS_signalfd4, fd, signals, _NSIG / 8, flags);
}

VISIBLE int timerfd_create(clockid_t clock, int flags)
{
    return fails("timerfd_create", EMFILE) ? -1 : (int)syscall(SYS_timerfd_create, clock, flags);
}

VISIBLE int flock(int fd, int operation)
{
    return fails("flock", ENOLCK) ? -1 : (int)syscall(SYS_flock, fd, operation);
}

VISIBLE int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    static int calls;
    const struct timespec limit = {timeout / 1000, timeout % 1000 * 1000000L};
    return calls++ == 0 && fails("poll", EINTR)
               ? -1
               : (int)syscall(SYS_ppoll, fds, count, timeout < 0 ? NULL : &limit, NULL, 0);
}

VISIBLE int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    /* The agent does not watch its own directory for this event. */
    if ((mask & IN_CLOSE_WRITE) != 0) {
        edit_at("watch");
    }
    return (int)syscall(SYS_inotify_add_watch, fd, path, mask);
}

/* openat() takes its last argument only for a file that it may create. */
VISIBLE int openat64(int directory, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    edit_at(path);
    return (int)syscall(SYS_openat, directory, path, flags, mode);
}

VISIBLE void *calloc(size_t count, size_t size)
{
    static void *(*next)(size_t, size_t);
    static bool has_failed;
    const char *starved = getenv("AGENT_STARVED");
    if (!has_failed && starved != NULL && size == sizeof(size_t) &&
        count == strtoul(starved, NULL, 10)) {
        has_failed = true;
        return NULL;
    }
    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "calloc");
    }
    return next(count, size);
}
