/* SPDX-License-Identifier: MIT
 *
 * Starts rds-iam-fetch from inside another vendor's program (the host program), sends it one
 * request, and receives its response. The child gets one end of a socket pair as its standard
 * input, /dev/null as its standard output and standard error, and no other descriptor. send() uses
 * MSG_NOSIGNAL, so that a child that exits early raises no SIGPIPE in the host program. Only a
 * complete response means success. The exit status cannot show success, because the host program
 * may reap the child first. The exit status is used only for the error message, and to decide
 * whether to start rds-iam-fetch a second time. The child starts without the variables that the
 * host program's dynamic linker reads (host_variables.h). If rds-iam-fetch cannot load its
 * libraries without them, it is started a second time with the host program's LD_LIBRARY_PATH,
 * because that variable names the directory of libcurl under Nix, environment modules and Homebrew.
 * Rejects a response that is not a record, and a response that is too long. Starts nothing while
 * the process's real and effective groups differ: the user's credential_process would get both
 * groups, and a process that has given up root's user may still have root's group as one of them.
 */
#include "os/fetch_client.h"

#include "base/messages.h"
#include "base/text.h"
#include "codec/record.h"
#include "os/host_variables.h"
#include "os/process_ids.h"

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

/* Returns what the user can do about an error number. */
static const char *remedy_of(int error)
{
    static const struct {
        int error;
        const char *remedy;
    } remedies[] = {
        {EMFILE, "raise the limit of open files: ulimit -n"},
        {ENFILE, "the system has too many open files; end programs"},
        {EAGAIN, "raise the limit of processes: ulimit -u"},
        {ENOMEM, "end programs that use memory, and try again"},
    };
    for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++) {
        if (remedies[i].error == error) {
            return remedies[i].remedy;
        }
    }
    return "check that rds-iam is installed completely";
}

static bool fetch_client_fail_by_errno(struct ria_error *err, int error, const char *what)
{
    char words[128];
    return ria_fail(
        err,
        RIA_E_SYSTEM,
        "%s: %s: %s; %s",
        program,
        what,
        ria_text_of_errno(error, words, sizeof(words)),
        remedy_of(error));
}

/* -- starting ------------------------------------------------------------------------------- */

static int set_actions(posix_spawn_file_actions_t *actions, int fd)
{
    int error = posix_spawn_file_actions_adddup2(actions, fd, STDIN_FILENO);
    for (int out = STDOUT_FILENO; error == 0 && out <= STDERR_FILENO; out++) {
        error = posix_spawn_file_actions_addopen(actions, out, "/dev/null", O_WRONLY, 0);
    }
#ifdef RIA_HAS_CLOSEFROM
    /* Close the host program's other descriptors in the child. rds-iam-fetch also closes them
     * itself, because not every C library has this function. */
    error =
        error != 0 ? error : posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
#endif
    return error;
}

/* The child starts with default signal handling and an empty signal mask, whatever the host program
 * has set, and in its own process group, so that the whole group can be killed. */
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

static int spawn(int fd, char **environment, pid_t *pid)
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

/* Starts rds-iam-fetch, for the first or the second time. */
static bool launch(struct ria_fetch_client *client, struct ria_error *err)
{
    int ends[2];
    if (!ria_process_has_one_group()) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_REFUSAL_GROUP);
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return fetch_client_fail_by_errno(err, errno, "its socket cannot be created");
    }
    struct ria_child_environment environment;
    bool ok = ria_host_variables_withhold(client->keeps_library_path, client->home, &environment);
    int error = ok ? spawn(ends[1], environment.variables, &client->pid) : ENOMEM;
    ria_child_environment_release(&environment);
    (void)close(ends[1]);
    if (error != 0) {
        (void)close(ends[0]);
        return fetch_client_fail_by_errno(err, error, "cannot be started");
    }
    client->fd = ends[0];
    client->events = POLLIN | POLLOUT;
    client->sent = 0;
    ria_buf_clear(client->response);
    return true;
}

bool ria_fetch_client_start(
    struct ria_fetch_client *client,
    const char *home,
    const struct ria_buf *request,
    struct ria_buf *response,
    struct ria_error *err)
{
    *client =
        (struct ria_fetch_client){.fd = -1, .home = home, .request = request, .response = response};
    return launch(client, err);
}

/* -- sending and receiving ------------------------------------------------------------------ */

/* The result of sending or receiving. */
enum result {
    INCOMPLETE,
    COMPLETE,
    ENDED, /* rds-iam-fetch closed its socket without a complete response */
    FAILED,
};

/* Returns true if the call would have blocked. */
static bool would_block(ssize_t len)
{
    return len < 0 && errno == EAGAIN;
}

static enum result send_request(struct ria_fetch_client *client, struct ria_error *err)
{
    const struct ria_buf *request = client->request;
    while (client->sent < request->len) {
        ssize_t len = send(
            client->fd,
            request->data + client->sent,
            request->len - client->sent,
            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (would_block(len)) {
            return INCOMPLETE;
        }
        if (len < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            return ENDED;
        }
        if (len < 0 && errno != EINTR) {
            (void)fetch_client_fail_by_errno(err, errno, "does not read its request");
            return FAILED;
        }
        client->sent += len < 0 ? 0 : (size_t)len;
    }
    if ((client->events & POLLOUT) != 0) {
        client->events = POLLIN;
        (void)shutdown(client->fd, SHUT_WR);
    }
    return INCOMPLETE;
}

/* Returns the length of the complete response. Until the header has been received, returns the
 * length of the header. Returns 0 if the bytes are not a record, or are more than one record. */
static size_t response_length(const struct ria_buf *response)
{
    size_t whole = RIA_RECORD_HEADER_LEN;
    if (response->len >= RIA_RECORD_HEADER_LEN) {
        whole = ria_record_length(response->data);
    }
    return whole < response->len ? 0 : whole;
}

static enum result receive_response(struct ria_fetch_client *client, struct ria_error *err)
{
    struct ria_buf *response = client->response;
    for (size_t whole = response_length(response); response->len < whole;
         whole = response_length(response)) {
        char *room = ria_buf_reserve(response, whole - response->len);
        if (room == NULL) {
            (void)ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "the response of rds-iam-fetch");
            return FAILED;
        }
        ssize_t len = recv(client->fd, room, whole - response->len, MSG_DONTWAIT);
        if (would_block(len)) {
            return INCOMPLETE;
        }
        if (len == 0 || (len < 0 && errno != EINTR)) {
            return ENDED;
        }
        if (len > 0) {
            ria_buf_grown(response, (size_t)len);
        }
    }
    if (response_length(response) == 0) {
        (void)ria_fail(
            err,
            RIA_E_SYSTEM,
            "%s does not return a valid record; " RIA_REMEDY_OTHER_RELEASE,
            program);
        return FAILED;
    }
    return COMPLETE;
}

/* -- the end -------------------------------------------------------------------------------- */

/* Waits for rds-iam-fetch to exit, for at most 200 ms. The kernel closes the socket shortly before
 * it reports the exit. Returns false if rds-iam-fetch still runs. */
static bool fetch_client_has_ended(pid_t pid)
{
    enum {
        CHECKS = 200,
        INTERVAL_MS = 1
    };
    siginfo_t info = {0};
    for (int i = 0; i < CHECKS; i++) {
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0) {
            return true;
        }
        (void)poll(NULL, 0, INTERVAL_MS);
    }
    return false;
}

/* Kills the process group of rds-iam-fetch and reaps rds-iam-fetch. Kills nothing if the host
 * program has already reaped rds-iam-fetch, because the process id may now belong to another
 * process. Returns false if the exit status is not available. */
static bool reap(pid_t pid, siginfo_t *info)
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

/* Returns the name of a signal that can end a program, or "unknown" for other signals. */
static const char *fetch_client_signal_name(int number)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {
        {SIGABRT, "SIGABRT"},
        {SIGBUS, "SIGBUS"},
        {SIGFPE, "SIGFPE"},
        {SIGHUP, "SIGHUP"},
        {SIGILL, "SIGILL"},
        {SIGINT, "SIGINT"},
        {SIGKILL, "SIGKILL"},
        {SIGPIPE, "SIGPIPE"},
        {SIGSEGV, "SIGSEGV"},
        {SIGSYS, "SIGSYS"},
        {SIGTERM, "SIGTERM"},
        {SIGXCPU, "SIGXCPU"},
        {SIGXFSZ, "SIGXFSZ"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].number == number) {
            return names[i].name;
        }
    }
    return "unknown";
}

/* Reaps rds-iam-fetch and fills err with how it ended. Returns true if rds-iam-fetch should be
 * started a second time, with LD_LIBRARY_PATH. It is started a second time only if LD_LIBRARY_PATH
 * is set and no part of a response has arrived. The dynamic linker exits with status 127 if a
 * library is missing or has the wrong version. The exit status is unknown if the host program has
 * reaped rds-iam-fetch, or if this function had to kill it. An unknown exit status may have been
 * 127, so rds-iam-fetch is also started a second time in this case. */
static bool read_status(struct ria_fetch_client *client, struct ria_error *err)
{
    enum {
        NOT_LOADED = 127
    };
    siginfo_t info = {0};
    bool is_own_end = fetch_client_has_ended(client->pid);
    bool is_known = reap(client->pid, &info) && is_own_end;
    bool is_status = is_known && info.si_code == CLD_EXITED;
    const char *path = secure_getenv("LD_LIBRARY_PATH");
    if (is_status && info.si_status == NOT_LOADED) {
        (void)ria_fail(
            err,
            RIA_E_SYSTEM,
            "%s exited with status 127: a library that it needs is missing or has the wrong "
            "version; run: ldd %s",
            program,
            program);
    } else if (is_status) {
        (void)ria_fail(
            err,
            RIA_E_SYSTEM,
            "%s exited with status %d without a response; " RIA_REMEDY_OTHER_RELEASE,
            program,
            info.si_status);
    } else if (is_known) {
        (void)ria_fail(
            err,
            RIA_E_SYSTEM,
            "%s was killed by signal %d (%s); the system's log may contain the reason",
            program,
            info.si_status,
            fetch_client_signal_name(info.si_status));
    } else {
        (void)ria_fail(
            err, RIA_E_SYSTEM, "%s ended its connection without a response; try again", program);
    }
    return !client->keeps_library_path && client->response->len == 0 && path != NULL &&
           *path != '\0' && (!is_known || (is_status && info.si_status == NOT_LOADED));
}

static void close_socket(struct ria_fetch_client *client)
{
    (void)close(client->fd);
    client->fd = -1;
}

void ria_fetch_client_end(struct ria_fetch_client *client)
{
    siginfo_t unused = {0};
    if (client->fd >= 0) {
        close_socket(client);
        (void)reap(client->pid, &unused);
    }
}

/* -- the state machine ---------------------------------------------------------------------- */

/* Called if rds-iam-fetch has closed its socket without a response: starts it a second time or
 * fails. */
static enum ria_fetch_state fetch_client_handle_end(
    struct ria_fetch_client *client, struct ria_error *err)
{
    close_socket(client);
    if (!read_status(client, err)) {
        return RIA_FETCH_FAILED;
    }
    client->keeps_library_path = true;
    return launch(client, err) ? RIA_FETCH_WAITS : RIA_FETCH_FAILED;
}

enum ria_fetch_state ria_fetch_client_step(struct ria_fetch_client *client, struct ria_error *err)
{
    enum result result = send_request(client, err);
    if (result == INCOMPLETE) {
        result = receive_response(client, err);
    }
    switch (result) {
    case INCOMPLETE:
        return RIA_FETCH_WAITS;
    case ENDED:
        return fetch_client_handle_end(client, err);
    case COMPLETE:
    case FAILED:
    default:
        ria_fetch_client_end(client);
        return result == COMPLETE ? RIA_FETCH_ANSWERED : RIA_FETCH_FAILED;
    }
}

/* Waits until the socket can be read or written. Returns false with err filled at the deadline, or
 * if poll() fails. */
static bool fetch_client_wait_for(
    const struct ria_fetch_client *client,
    const struct ria_world *world,
    struct ria_deadline deadline,
    struct ria_error *err)
{
    for (;;) {
        int64_t left = ria_deadline_left(world, deadline);
        struct pollfd watched = {.fd = client->fd, .events = client->events};
        int ready = left == 0 ? 0 : poll(&watched, 1, (int)left);
        if (ready > 0) {
            return true;
        }
        if (ready == 0) {
            return ria_fail(err, RIA_E_DEADLINE, RIA_REFUSAL_OUT_OF_TIME);
        }
        if (errno != EINTR) {
            return fetch_client_fail_by_errno(err, errno, "its socket cannot be polled");
        }
    }
}

bool ria_fetch_client_run(
    const struct ria_world *world,
    const struct ria_buf *request,
    struct ria_deadline deadline,
    struct ria_buf *response,
    struct ria_error *err)
{
    struct ria_fetch_client client;
    enum ria_fetch_state state = RIA_FETCH_WAITS;
    if (!ria_fetch_client_start(&client, ria_world_home(world), request, response, err)) {
        return false;
    }
    while (state == RIA_FETCH_WAITS && fetch_client_wait_for(&client, world, deadline, err)) {
        state = ria_fetch_client_step(&client, err);
    }
    ria_fetch_client_end(&client);
    return state == RIA_FETCH_ANSWERED;
}
