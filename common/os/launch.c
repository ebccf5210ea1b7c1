/* SPDX-License-Identifier: MIT
 *
 * A program of ours, started from inside somebody else's. It gets one end of a socket pair as its
 * standard input and nothing else that is open here; send() with MSG_NOSIGNAL keeps its death from
 * raising a signal in the host. What counts is the answer; the exit status only words a refusal,
 * because a host may reap our child before we do. It starts without the host's loader variables
 * (host_variables.h). Where it then cannot load its libraries, it is started once more with the
 * caller's LD_LIBRARY_PATH: with Nix, environment modules and Homebrew that is where libcurl is. */
#include "os/launch.h"

#include "base/messages.h"
#include "codec/record.h"
#include "os/host_variables.h"
#include "rds_iam.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
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

/* What has come of a talk. ENDED: it ends before it has answered. */
enum result {
    ANSWERED,
    ENDED,
    FAILED,
};

static enum result send_all(
    int fd,
    const struct ria_buf *bytes,
    const struct ria_world *world,
    struct ria_deadline deadline,
    struct ria_error *err)
{
    size_t done = 0;
    while (done < bytes->len) {
        if (!wait_for(fd, POLLOUT, world, deadline, err)) {
            return FAILED;
        }
        ssize_t len = send(fd, bytes->data + done, bytes->len - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (len < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            return ENDED;
        }
        if (len < 0 && errno != EINTR && errno != EAGAIN) {
            (void)fail_by_errno(err, errno, "does not take its question");
            return FAILED;
        }
        done += len < 0 ? 0 : (size_t)len;
    }
    (void)shutdown(fd, SHUT_WR);
    return ANSWERED;
}

/* Receives until *bytes holds `want` bytes. */
static enum result receive(
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
            (void)ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "the answer of rds-iam-fetch");
            return FAILED;
        }
        if (!wait_for(fd, POLLIN, world, deadline, err)) {
            return FAILED;
        }
        ssize_t len = recv(fd, room, want - bytes->len, MSG_DONTWAIT);
        if (len > 0) {
            ria_buf_grown(bytes, (size_t)len);
        } else if (len == 0 || (errno != EINTR && errno != EAGAIN)) {
            return ENDED;
        }
    }
    return ANSWERED;
}

static enum result talk(
    int fd,
    const struct ria_buf *question,
    struct ria_buf *answer,
    const struct ria_world *world,
    struct ria_deadline deadline,
    struct ria_error *err)
{
    ria_buf_clear(answer);
    enum result result = send_all(fd, question, world, deadline, err);
    if (result == ANSWERED) {
        result = receive(fd, answer, RIA_RECORD_HEADER_LEN, world, deadline, err);
    }
    if (result != ANSWERED) {
        return result;
    }
    size_t whole = ria_record_length(answer->data);
    if (whole == 0) {
        (void)ria_fail(err, RIA_E_SYSTEM, "%s answers in a form that is not ours", program);
        return FAILED;
    }
    return receive(fd, answer, whole, world, deadline, err);
}

/* -- the end -------------------------------------------------------------------------------- */

/* The end of its socket comes a moment before its end. */
static bool has_ended(pid_t pid)
{
    enum {
        LOOKS = 200,
        LOOK_NS = 1000 * 1000
    };
    static const struct timespec moment = {.tv_nsec = LOOK_NS};
    siginfo_t info = {0};
    for (int i = 0; i < LOOKS; i++) {
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0) {
            return true;
        }
        (void)nanosleep(&moment, NULL);
    }
    return false;
}

/* One that the host has reaped already is not there to be killed. */
static bool end(pid_t pid, siginfo_t *info)
{
    int result = -1;
    if (waitid(P_PID, (id_t)pid, info, WEXITED | WNOHANG | WNOWAIT) == 0) {
        (void)kill(-pid, SIGKILL);
    }
    do {
        *info = (siginfo_t){0};
        result = waitid(P_PID, (id_t)pid, info, WEXITED);
    } while (result < 0 && errno == EINTR);
    return result == 0;
}

void ria_launch_end(pid_t pid)
{
    siginfo_t unused = {0};
    (void)end(pid, &unused);
}

/* Status 127 is the dynamic linker's: a library is missing, or is not the one that is needed. Where
 * the host has taken the status, it may have been that. */
bool ria_launch_fail(pid_t pid, bool has_answered, struct ria_error *err)
{
    enum {
        NOT_LOADED = 127
    };
    siginfo_t info = {0};
    bool is_own_end = has_ended(pid);
    bool is_known = end(pid, &info) && is_own_end;
    bool is_status = is_known && info.si_code == CLD_EXITED;
    const char *path = secure_getenv("LD_LIBRARY_PATH");
    if (is_status && info.si_status == NOT_LOADED) {
        (void)ria_fail(
            err,
            RIA_E_SYSTEM,
            "%s ended with status 127: a library that it needs is missing or does not fit; run ldd "
            "%s to see which one",
            program,
            program);
    } else if (is_status) {
        (void)ria_fail(
            err,
            RIA_E_SYSTEM,
            "%s ended with status %d and without an answer; is rds-iam installed whole?",
            program,
            info.si_status);
    } else if (is_known) {
        const char *name = sigabbrev_np(info.si_status);
        (void)ria_fail(
            err,
            RIA_E_SYSTEM,
            "%s was ended by signal %d (%s%s); the system's log may say why",
            program,
            info.si_status,
            name == NULL ? "" : "SIG",
            name == NULL ? "unknown" : name);
    } else {
        (void)ria_fail(err, RIA_E_SYSTEM, "%s ended without an answer; try it again", program);
    }
    return !has_answered && path != NULL && *path != '\0' &&
           (!is_known || (is_status && info.si_status == NOT_LOADED));
}

bool ria_launch_start(bool keeps_library_path, int *fd, pid_t *pid, struct ria_error *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return fail_by_errno(err, errno, "cannot be talked to");
    }
    struct ria_child_environment environment;
    const char *home = ria_world_home(ria_process_world());
    bool ok = ria_host_variables_withhold(keeps_library_path, home, &environment);
    int error = ok ? start(ends[1], environment.variables, pid) : ENOMEM;
    ria_child_environment_release(&environment);
    (void)close(ends[1]);
    if (error != 0) {
        (void)close(ends[0]);
        return fail_by_errno(err, error, "cannot be started");
    }
    *fd = ends[0];
    return true;
}

/* One try. *is_to_retry: it could not load its libraries, and may with those of the caller. */
static bool fetch_once(
    const struct ria_world *world,
    const struct ria_buf *question,
    struct ria_deadline deadline,
    struct ria_buf *answer,
    bool *is_to_retry,
    struct ria_error *err)
{
    int fd = -1;
    pid_t pid = -1;
    bool keeps_library_path = *is_to_retry;
    *is_to_retry = false;
    if (!ria_launch_start(keeps_library_path, &fd, &pid, err)) {
        return false;
    }
    enum result result = talk(fd, question, answer, world, deadline, err);
    (void)close(fd);
    if (result == ENDED) {
        *is_to_retry = ria_launch_fail(pid, answer->len > 0, err) && !keeps_library_path;
    } else {
        ria_launch_end(pid);
    }
    return result == ANSWERED;
}

bool ria_launch_fetch(
    const struct ria_world *world,
    const struct ria_buf *question,
    struct ria_deadline deadline,
    struct ria_buf *answer,
    struct ria_error *err)
{
    bool is_to_retry = false;
    return fetch_once(world, question, deadline, answer, &is_to_retry, err) ||
           (is_to_retry && fetch_once(world, question, deadline, answer, &is_to_retry, err));
}
