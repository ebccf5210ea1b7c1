/* SPDX-License-Identifier: MIT
 *
 * Forks a child that renews a token, and reads the child's result from a pipe. The child calls
 * setsid(), and closes all descriptors above stderr except the pipe and the lock of the token file.
 * The server invalidates the old refresh token when it responds. So before the child sends this
 * token to the server, the child checks that it can store the new token: it writes a temporary file
 * of the expected size. If this fails, the child sends no request. */
#include "fetch/renewal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    /* The child's own deadline. It is longer than three tries of five seconds and their pauses.
     * This deadline also ends the tries after throttling. */
    RENEWAL_MS = 30 * 1000
};

/* Closes all descriptors above stderr, except `one` and `other`. The child must not keep any other
 * descriptor. For example, while the child has the descriptor of the cache's lock open, this lock
 * is not released, even if rds-iam-fetch has ended.
 */
static void close_all_but(unsigned one, unsigned other)
{
    unsigned low = one < other ? one : other;
    unsigned high = one < other ? other : one;
    const unsigned ranges[][2] = {
        {STDERR_FILENO + 1, low - 1}, {low + 1, high - 1}, {high + 1, UINT_MAX}};
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (ranges[i][0] <= ranges[i][1]) {
            (void)syscall(SYS_close_range, ranges[i][0], ranges[i][1], 0);
        }
    }
}

/* Detaches the child from rds-iam-fetch. Replaces standard input, which is the socket to the
 * caller, because the caller must see the end of the stream when rds-iam-fetch ends. */
static void leave_session(void)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)setsid();
    (void)signal(SIGPIPE, SIG_IGN);
    if (nothing >= 0) {
        (void)dup2(nothing, STDIN_FILENO);
    } else {
        (void)close(STDIN_FILENO);
    }
}

__attribute__((noreturn)) static void renew_alone(
    const struct ria_fetch *caller, struct ria_token_file *file, ria_renew *renew, int out)
{
    struct ria_error err = {0};
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    close_all_but((unsigned)file->lock, (unsigned)out);
    leave_session();
    struct ria_fetch fetch = {
        .world = caller->world,
        .plan = caller->plan,
        .deadline = ria_deadline_in(caller->world, RENEWAL_MS),
        .result = &response,
    };
    if (ria_token_file_prepare(file, &err) && renew(&fetch, file, &err)) {
        err.code = RIA_E_NONE;
    }
    /* A pipe accepts a struct of this size in one write. rds-iam-fetch may have ended, so a failure
     * is ignored. */
    (void)!write(out, &err, sizeof(err));
    _exit(0);
}

/* Waits for the child's result, but not longer than the deadline. Returns true if the child
 * succeeded. Otherwise returns false, with *out filled with the child's error or with the error of
 * this function. Sets *is_over if the child has written its result or has ended. */
static bool await_error(const struct ria_fetch *fetch, int in, struct ria_error *out, bool *is_over)
{
    *is_over = false;
    for (;;) {
        int64_t left = ria_deadline_left(fetch->world, fetch->deadline);
        struct pollfd watched = {.fd = in, .events = POLLIN};
        int ready = left == 0 ? 0 : poll(&watched, 1, (int)left);
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready <= 0) {
            return ria_fail(out, RIA_E_DEADLINE, "the renewal takes longer than a login allows");
        }
        ssize_t len = read(in, out, sizeof(*out));
        if (len < 0 && errno == EINTR) {
            continue;
        }
        *is_over = true;
        return len == (ssize_t)sizeof(*out)
                   ? out->code == RIA_E_NONE
                   : ria_fail(out, RIA_E_SYSTEM, "the renewal ended without a result");
    }
}

enum ria_outcome ria_renewal_run(
    struct ria_fetch *fetch, struct ria_token_file *file, ria_renew *renew, struct ria_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return ria_failed(err, RIA_E_SYSTEM, "cannot create a pipe for the renewal");
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        renew_alone(fetch, file, renew, ends[1]);
    }
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        return ria_failed(err, RIA_E_SYSTEM, "cannot start a process for the renewal");
    }
    struct ria_error received = {0};
    bool is_over = false;
    bool ok = await_error(fetch, ends[0], &received, &is_over);
    (void)close(ends[0]);
    /* The error code does not tell whether the child is still running: the child's own error can
     * be RIA_E_DEADLINE too. */
    (void)waitpid(pid, NULL, is_over ? 0 : WNOHANG);
    if (!ok) {
        *err = received;
    }
    return ok ? RIA_FOUND : RIA_FAILED;
}
