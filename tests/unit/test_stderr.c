/* SPDX-License-Identifier: MIT
 *
 * The conditions under which a log line may be written to descriptor 2. Each row runs in its own
 * process, because a process remembers only once which file its stderr is. */
#include "os/guest_stderr.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char line[] = "rds-iam: a line\n";
static char scratch[] = RIA_SCRATCH "/stderr-XXXXXX";

/* A pair of descriptors: data written to `in` can be read from `out`. */
struct way {
    int in;
    int out;
};

static const char *in_scratch(const char *name)
{
    static char path[4200];
    (void)snprintf(path, sizeof(path), "%s/%s", scratch, name);
    return path;
}

static struct way open_pipe(void)
{
    int ends[2] = {-1, -1};
    (void)!pipe(ends);
    return (struct way){ends[1], ends[0]};
}

static struct way open_pipe_cloexec(void)
{
    struct way way = open_pipe();
    (void)fcntl(way.in, F_SETFD, FD_CLOEXEC);
    return way;
}

static struct way open_file(int flags)
{
    const char *path = in_scratch("file");
    int in = open(path, O_CREAT | O_TRUNC | O_WRONLY | flags, 0600);
    return (struct way){in, open(path, O_RDONLY)};
}

static struct way open_data(void)
{
    return open_file(0);
}

static struct way open_appending(void)
{
    return open_file(O_APPEND);
}

static struct way open_terminal(void)
{
    int outer = posix_openpt(O_RDWR | O_NOCTTY);
    (void)grantpt(outer);
    (void)unlockpt(outer);
    return (struct way){open(ptsname(outer), O_RDWR | O_NOCTTY), outer};
}

static struct way open_pair(void)
{
    int ends[2] = {-1, -1};
    (void)socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    return (struct way){ends[1], ends[0]};
}

/* Returns the client's end as `in`, and the server's as `out`. */
static struct way connect_to(int domain, struct sockaddr *at, socklen_t len)
{
    int listener = socket(domain, SOCK_STREAM, 0);
    int client = socket(domain, SOCK_STREAM, 0);
    (void)bind(listener, at, len);
    (void)listen(listener, 1);
    (void)getsockname(listener, at, &len);
    (void)connect(client, at, len);
    return (struct way){client, accept(listener, NULL, NULL)};
}

static struct way open_local_client(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/rds-iam-test-%d", (int)getpid());
    struct way way = connect_to(AF_UNIX, (struct sockaddr *)&at, sizeof(at));
    (void)unlink(at.sun_path);
    return way;
}

static struct way open_local_server(void)
{
    struct way way = open_local_client();
    return (struct way){way.out, way.in};
}

static struct way open_tcp(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return connect_to(AF_INET, (struct sockaddr *)&at, sizeof(at));
}

/* A listening socket without a client. */
static struct way open_listening(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%clistening-%d", 0, (int)getpid());
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 1) == 0);
    return (struct way){fd, fd};
}

static struct way open_directory(void)
{
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    return (struct way){fd, fd};
}

/* Makes way.in the descriptor 2, with its flags. dup2() alone would clear FD_CLOEXEC, which a row
 * tests. */
static void become_stderr(struct way way)
{
    int flags = fcntl(way.in, F_GETFD);
    (void)dup2(way.in, STDERR_FILENO);
    (void)fcntl(STDERR_FILENO, F_SETFD, flags);
}

/* Returns 0 if the line arrived at the other end, 1 if nothing arrived, and 2 otherwise. */
static int received(struct way way)
{
    char text[256] = "";
    struct pollfd ready = {.fd = way.out, .events = POLLIN};
    ssize_t len = poll(&ready, 1, 0) == 1 ? read(way.out, text, sizeof(text) - 1) : 0;
    if (len <= 0) {
        return 1;
    }
    return strncmp(text, line, sizeof(line) - 2) == 0 ? 0 : 2;
}

/* Runs `act` in a child and returns its exit status. */
static int in_child(int (*act)(const void *), const void *argument)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        _exit(act(argument));
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

struct row {
    const char *name;
    struct way (*open)(void);
    bool is_written;
};

static int write_one(const void *argument)
{
    const struct row *row = argument;
    struct way way = row->open();
    become_stderr(way);
    ria_stderr_write(line, sizeof(line) - 1);
    return received(way);
}

static void check_row(const struct row *row)
{
    expect_number(row->name, in_child(write_one, row), row->is_written ? 0 : 1);
}

static void only_a_usable_stderr_is_written_to(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a pipe, as under cron or in a container", open_pipe, true},
        {"a terminal", open_terminal, true},
        {"a socket pair, as under ssh", open_pair, true},
        {"a file in append mode", open_appending, true},
        {"a file, as with 2>FILE", open_data, true},
        {"a connection to a local server", open_local_client, false},
        {"a connection from a local client", open_local_server, false},
        {"a TCP connection", open_tcp, false},
        {"a socket that waits for connections", open_listening, false},
        {"a directory", open_directory, false},
        {"a descriptor that did not come through execve()", open_pipe_cloexec, false},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        check_row(&rows[i]);
    }
}

/* What descriptor 2 is at the call of ria_stderr_record(), and what the host program replaces it
 * with before the log line. */
struct change {
    const char *name;
    struct way (*first)(void);  /* NULL: closed */
    struct way (*second)(void); /* NULL: the same as the first */
    bool is_written;
};

static int write_after_change(const void *argument)
{
    const struct change *change = argument;
    /* Descriptor 2 is still open here, so no end of a pipe gets its number. */
    struct way first = change->first == NULL ? (struct way){-1, -1} : change->first();
    struct way second = change->second == NULL ? first : change->second();
    (void)close(STDERR_FILENO);
    if (change->first != NULL) {
        become_stderr(first);
    }
    ria_stderr_record();
    become_stderr(second);
    ria_stderr_write(line, sizeof(line) - 1);
    return received(second);
}

static void check_change(const struct change *change)
{
    int status = in_child(write_after_change, change);
    expect_number(change->name, status, change->is_written ? 0 : 1);
}

static void only_the_recorded_file_is_written_to(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {"control: stderr is unchanged", open_pipe, NULL, true},
        {"another pipe, whose reader may expect data", open_pipe, open_pipe, false},
        {"a pipe was replaced by a file of data", open_pipe, open_data, false},
        {"a pipe was replaced by a file in append mode", open_pipe, open_appending, false},
        {"a terminal was replaced by a pair of sockets", open_terminal, open_pair, false},
        {"stderr was closed, and a pipe has its number now", NULL, open_pipe, false},
    };
    for_each_row(row, changes, row->name) {
        check_change(row);
    }
}

static int write_to_the_deaf(const void *argument)
{
    (void)argument;
    struct way way = open_pipe();
    become_stderr(way);
    ria_stderr_record();
    (void)close(way.out);
    ria_stderr_write(line, sizeof(line) - 1);
    return 0;
}

static void a_closed_reader_does_not_kill_the_program(void **state)
{
    (void)state;
    assert_int_equal(in_child(write_to_the_deaf, NULL), 0);
}

static int make_scratch(void **state)
{
    (void)state;
    return mkdtemp(scratch) == NULL ? -1 : 0;
}

static int remove_scratch(void **state)
{
    (void)state;
    (void)unlink(in_scratch("file"));
    return rmdir(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_usable_stderr_is_written_to),
        cmocka_unit_test(only_the_recorded_file_is_written_to),
        cmocka_unit_test(a_closed_reader_does_not_kill_the_program),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
