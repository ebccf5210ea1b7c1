/* SPDX-License-Identifier: MIT
 *
 * A program of ours, started from inside somebody else's. It gets one end of a socket pair as its
 * standard input and nothing else that is open here; send() with MSG_NOSIGNAL keeps its death from
 * raising a signal in the host. What counts is the answer and not the exit status, because a host
 * may reap our child before we do. */
#include "launch.h"

#include "base/refusal.h"
#include "codec/record.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char program[] = RIA_FETCH_PROGRAM;

static bool fail_by_errno(struct ria_error *err, int error, const char *what)
{
    char words[128];
    return ria_fail(
        err,
        RIA_E_SYSTEM,
        "%s: %s: %s; is rds-iam installed whole?",
        program,
        what,
        strerror_r(error, words, sizeof(words)));
}

/* -- starting ------------------------------------------------------------------------------- */

/* The caller's environment, because a credential process may rely on it, less what would load the
 * host's preloads into a program of ours. Free the array. */
static char **environment_for_child(void)
{
    size_t count = 0;
    while (environ != NULL && environ[count] != NULL) {
        count++;
    }
    char **copy = calloc(count + 1, sizeof(*copy));
    for (size_t i = 0, kept = 0; copy != NULL && i < count && environ[i] != NULL; i++) {
        if (strncmp(environ[i], "LD_PRELOAD=", strlen("LD_PRELOAD=")) != 0 &&
            strncmp(environ[i], "LD_AUDIT=", strlen("LD_AUDIT=")) != 0) {
            copy[kept++] = environ[i];
        }
    }
    return copy;
}

static int set_actions(posix_spawn_file_actions_t *actions, int fd)
{
    int error = posix_spawn_file_actions_adddup2(actions, fd, STDIN_FILENO);
    for (int out = STDOUT_FILENO; error == 0 && out <= STDERR_FILENO; out++) {
        error = posix_spawn_file_actions_addopen(actions, out, "/dev/null", O_WRONLY, 0);
    }
    return error != 0 ? error
                      : posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
}

/* The host's signal mask and dispositions are its own; the child starts from the defaults, in a
 * process group that can be killed as a whole. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int error = posix_spawnattr_setsigmask(attributes, &none);
    error = error != 0 ? error : posix_spawnattr_setsigdefault(attributes, &all);
    error = error != 0 ? error : posix_spawnattr_setpgroup(attributes, 0);
    const int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
    return error != 0 ? error : posix_spawnattr_setflags(attributes, (short)flags);
}

static int start(int fd, char **environment, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        return error;
    }
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        char name[] = "rds-iam-fetch";
        char *argv[] = {name, NULL};
        error = set_actions(&actions, fd);
        error = error != 0 ? error : set_attributes(&attributes);
        error = error != 0 ? error
                           : posix_spawn(pid, program, &actions, &attributes, argv, environment);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* -- talking -------------------------------------------------------------------------------- */

static bool out_of_time(struct ria_error *err)
{
    return ria_fail(err, RIA_E_DEADLINE, RIA_REFUSAL_OUT_OF_TIME);
}

/* Waits until the socket can be read or written. */
static bool wait_for(
    int fd,
    short events,
    const struct ria_world *world,
    struct ria_deadline deadline,
    struct ria_error *err)
{
    for (;;) {
        int64_t left = ria_deadline_left(world, deadline);
        struct pollfd watched = {.fd = fd, .events = events};
        int ready = left == 0 ? 0 : poll(&watched, 1, (int)left);
        if (ready > 0) {
            return true;
        }
        if (ready == 0) {
            return out_of_time(err);
        }
        if (errno != EINTR) {
            return fail_by_errno(err, errno, "cannot be waited for");
        }
    }
}

static bool send_all(
    int fd,
    const struct ria_buf *bytes,
    const struct ria_world *world,
    struct ria_deadline deadline,
    struct ria_error *err)
{
    size_t done = 0;
    while (done < bytes->len) {
        if (!wait_for(fd, POLLOUT, world, deadline, err)) {
            return false;
        }
        ssize_t len = send(fd, bytes->data + done, bytes->len - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (len < 0 && errno != EINTR && errno != EAGAIN) {
            return fail_by_errno(err, errno, "does not take its question");
        }
        done += len < 0 ? 0 : (size_t)len;
    }
    (void)shutdown(fd, SHUT_WR);
    return true;
}

/* Receives until *bytes holds `want` bytes. */
static bool receive(
    int fd,
    struct ria_buf *bytes,
    size_t want,
    const struct ria_world *world,
    struct ria_deadline deadline,
    struct ria_error *err)
{
    while (bytes->len < want) {
        char *room = ria_buf_reserve(bytes, want - bytes->len);
        if (room == NULL) {
            return ria_fail(err, RIA_E_SYSTEM, "out of memory for the answer of rds-iam-fetch");
        }
        if (!wait_for(fd, POLLIN, world, deadline, err)) {
            return false;
        }
        ssize_t len = recv(fd, room, want - bytes->len, MSG_DONTWAIT);
        if (len > 0) {
            ria_buf_grown(bytes, (size_t)len);
        } else if (len == 0 || (errno != EINTR && errno != EAGAIN)) {
            return ria_fail(err, RIA_E_SYSTEM, "%s ended without an answer; try it again", program);
        }
    }
    return true;
}

static bool talk(
    int fd,
    const struct ria_buf *question,
    struct ria_buf *answer,
    const struct ria_world *world,
    struct ria_deadline deadline,
    struct ria_error *err)
{
    ria_buf_clear(answer);
    if (!send_all(fd, question, world, deadline, err) ||
        !receive(fd, answer, RIA_RECORD_HEADER_LEN, world, deadline, err)) {
        return false;
    }
    size_t whole = ria_record_length(answer->data);
    if (whole == 0) {
        return ria_fail(err, RIA_E_SYSTEM, "%s answers in a form that is not ours", program);
    }
    return receive(fd, answer, whole, world, deadline, err);
}

/* One that the host has reaped already is not there to be killed. */
void ria_launch_end(pid_t pid)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
        (void)kill(-pid, SIGKILL);
    }
    while (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0 && errno == EINTR) {
    }
}

bool ria_launch_start(int *fd, pid_t *pid, struct ria_error *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return fail_by_errno(err, errno, "cannot be talked to");
    }
    char **environment = environment_for_child();
    int error = environment == NULL ? ENOMEM : start(ends[1], environment, pid);
    free(environment);
    (void)close(ends[1]);
    if (error != 0) {
        (void)close(ends[0]);
        return fail_by_errno(err, error, "cannot be started");
    }
    *fd = ends[0];
    return true;
}

bool ria_launch_fetch(
    const struct ria_world *world,
    const struct ria_buf *question,
    struct ria_deadline deadline,
    struct ria_buf *answer,
    struct ria_error *err)
{
    int fd = -1;
    pid_t pid = -1;
    if (!ria_launch_start(&fd, &pid, err)) {
        return false;
    }
    bool ok = talk(fd, question, answer, world, deadline, err);
    (void)close(fd);
    ria_launch_end(pid);
    return ok;
}
