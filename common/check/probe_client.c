/* SPDX-License-Identifier: MIT
 *
 * Runs rds-iam-probe or another program as a child process, and collects the child's output until
 * the child ends or the deadline passes. At the deadline, kills the child. The child inherits the
 * environment of this process. If the child runs under `rds-iam exec`, that command adds the
 * variables that the client libraries need. */
#include "check/probe_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    STREAMS = 2,                /* stdout and stderr of the child */
    GRACE_MS = 300,             /* how long to wait for stderr after the end of stdout */
    PAUSE_NS = 2 * 1000 * 1000, /* between two checks whether the child has ended */
    ARGV_MAX = RIA_PROBE_ARGUMENTS_MAX + 8, /* with the arguments of rds-iam exec */
};

struct stream {
    int fd;
    struct ria_buf *out;
};

static void close_pipe(const int ends[2])
{
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0) {
            (void)close(ends[i]);
        }
    }
}

static void close_pipes(int pipes[STREAMS][2])
{
    close_pipe(pipes[0]);
    close_pipe(pipes[1]);
}

static int spawn_with(char *const *argv, int pipes[STREAMS][2], pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int error = argv[0] == NULL ? EINVAL : posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        return error;
    }
    error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    for (int i = 0; i < STREAMS && error == 0; i++) {
        error = posix_spawn_file_actions_adddup2(&actions, pipes[i][1], STDOUT_FILENO + i);
    }
    if (error == 0) {
        error = posix_spawn(pid, argv[0], &actions, NULL, argv, environ);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Reads the bytes that are available, and closes the stream at its end. Also reads the bytes that
 * exceed the buffer's limit, and drops them, because the child would block if its pipe were
 * full. */
static void drain(struct stream *stream)
{
    char bytes[4096];
    ssize_t len = read(stream->fd, bytes, sizeof(bytes));
    if (len > 0) {
        if (stream->out->len + (size_t)len < stream->out->max) {
            ria_buf_add(stream->out, bytes, (size_t)len);
        }
    } else if (len == 0 || errno != EINTR) {
        (void)close(stream->fd);
        stream->fd = -1;
    }
    explicit_bzero(bytes, sizeof(bytes)); /* an option file may contain a password */
}

/* Waits at most `limit` milliseconds until a stream can be read, and reads the available bytes.
 * Returns false if the time has run out. */
static bool collect_more(struct stream streams[STREAMS], int64_t limit)
{
    struct pollfd watched[STREAMS] = {
        {.fd = streams[0].fd, .events = POLLIN}, {.fd = streams[1].fd, .events = POLLIN}};
    int ready = poll(watched, STREAMS, (int)limit);
    if (ready > 0 && watched[0].revents != 0) {
        drain(&streams[0]);
    }
    if (ready > 0 && watched[1].revents != 0) {
        drain(&streams[1]);
    }
    return ready != 0;
}

/* Collects both streams until stdout is closed, or until the deadline. After the end of stdout,
 * collects stderr until it is closed, but at most for GRACE_MS. */
static void collect_output(
    struct stream streams[STREAMS], struct ria_deadline deadline, const struct ria_world *world)
{
    bool is_in_time = true;
    while (is_in_time && streams[0].fd >= 0) {
        int64_t left = ria_deadline_left(world, deadline);
        is_in_time = left > 0 && collect_more(streams, left);
    }
    /* A process that the child started may hold stderr open for longer than the child lives. */
    struct ria_deadline grace = ria_deadline_in(world, GRACE_MS);
    bool goes_on = is_in_time;
    while (goes_on && streams[1].fd >= 0) {
        int64_t left = ria_deadline_left(world, grace);
        goes_on = left > 0 && collect_more(streams, left);
    }
}

/* Waits until the child has ended, and kills it at the deadline. The child may run for a long time
 * after it has closed its output. */
static void await_probe(
    pid_t pid, struct ria_deadline deadline, const struct ria_world *world, struct ria_probe *out)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(pid, &status, WNOHANG)) == 0 &&
           ria_deadline_left(world, deadline) > 0) {
        (void)nanosleep(&pause, NULL);
    }
    out->is_late = ended == 0;
    if (out->is_late) {
        (void)kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
    out->signal = !out->is_late && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    out->status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

/* argv points to non-const characters, because posix_spawn() is declared so. posix_spawn() does not
 * change the characters. */
static void add_argument(char **argv, size_t *count, const char *argument)
{
    if (*count < ARGV_MAX) {
        memcpy(&argv[(*count)++], &argument, sizeof(argument));
    }
}

static void compose(const char *const *arguments, const char *const *exec, char **argv)
{
    size_t count = 0;
    if (exec != NULL) {
        add_argument(argv, &count, "/proc/self/exe");
        add_argument(argv, &count, "exec");
        for (; *exec != NULL; exec++) {
            add_argument(argv, &count, *exec);
        }
        add_argument(argv, &count, "--");
    }
    for (; *arguments != NULL; arguments++) {
        add_argument(argv, &count, *arguments);
    }
    argv[count] = NULL;
}

bool ria_probe_run(
    const char *const *arguments,
    const char *const *exec,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_probe *out,
    struct ria_error *err)
{
    int pipes[STREAMS][2] = {{-1, -1}, {-1, -1}};
    char *argv[ARGV_MAX + 1] = {NULL};
    pid_t pid = 0;
    ria_probe_release(out);
    compose(arguments, exec, argv);
    if (pipe2(pipes[0], O_CLOEXEC) != 0 || pipe2(pipes[1], O_CLOEXEC) != 0) {
        close_pipes(pipes);
        return ria_fail(err, RIA_E_SYSTEM, "no descriptors are left: %s", strerror(errno));
    }
    int error = spawn_with(argv, pipes, &pid);
    if (error != 0) {
        close_pipes(pipes);
        return ria_fail(
            err,
            RIA_E_SYSTEM,
            "%s: cannot be started (%s); reinstall rds-iam",
            arguments[0],
            strerror(error));
    }
    (void)close(pipes[0][1]);
    (void)close(pipes[1][1]);
    struct stream streams[STREAMS] = {{pipes[0][0], &out->lines}, {pipes[1][0], &out->errors}};
    collect_output(streams, deadline, world);
    await_probe(pid, deadline, world, out);
    for (int i = 0; i < STREAMS; i++) {
        if (streams[i].fd >= 0) {
            (void)close(streams[i].fd);
        }
    }
    return true;
}

/* -- lines ----------------------------------------------------------------------------------- */

/* Returns the value in the first line with this name, or NULL. The value ends at the newline. */
static const char *find_named_value(const struct ria_probe *probe, const char *name)
{
    size_t len = strlen(name);
    const char *at = probe->lines.len == 0 ? NULL : probe->lines.data;
    while (at != NULL && *at != '\0') {
        if (strncmp(at, name, len) == 0 && at[len] == ' ') {
            return at + len + 1;
        }
        at = strchr(at, '\n');
        at = at == NULL ? NULL : at + 1;
    }
    return NULL;
}

bool ria_probe_text(const struct ria_probe *probe, const char *name, char *out, size_t size)
{
    const char *at = find_named_value(probe, name);
    size_t len = 0;
    while (at != NULL && *at != '\n' && *at != '\0' && len + 1 < size) {
        bool is_escape = *at == '\\' && (at[1] == 'n' || at[1] == '\\');
        at += is_escape ? 1 : 0;
        out[len] = *at;
        if (is_escape && *at == 'n') {
            out[len] = ' ';
        }
        len++;
        at++;
    }
    while (len > 0 && out[len - 1] == ' ') {
        len--;
    }
    out[len] = '\0';
    ria_printable(out);
    return at != NULL;
}

bool ria_probe_is(const struct ria_probe *probe, const char *name, const char *value)
{
    char text[256];
    return ria_probe_text(probe, name, text, sizeof(text)) && strcmp(text, value) == 0;
}

int64_t ria_probe_number(const struct ria_probe *probe, const char *name, int64_t otherwise)
{
    const char *at = find_named_value(probe, name);
    return at == NULL ? otherwise : strtoll(at, NULL, 10);
}

void ria_probe_release(struct ria_probe *probe)
{
    ria_buf_release(&probe->lines);
    ria_buf_release(&probe->errors);
    *probe = (struct ria_probe)RIA_PROBE_INIT;
}
