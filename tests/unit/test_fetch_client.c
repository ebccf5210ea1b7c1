/* SPDX-License-Identifier: MIT
 *
 * A conversation is one request to rds-iam-fetch and its response; fetch_peer.c stands for
 * rds-iam-fetch. The tests cover the ways in which a conversation can end. A conversation must end
 * the same for a blocking and for a nonblocking caller, except that a nonblocking caller itself
 * ends a conversation that takes too long. */
#include "os/fetch_client.h"
#include "rds_iam.h"
#include "unit.h"

#include "codec/record.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LONG_REQUEST = 1024 * 1024, /* more than a socket buffer can hold */
    BUDGET_MS = 60000,
    SHORT_BUDGET_MS = 300,
};

struct talk {
    enum ria_fetch_state state;
    size_t len;
    struct ria_error err;
};

static void ask(const struct ria_buf *request, int64_t budget, struct talk *out)
{
    const struct ria_world *world = ria_process_world();
    RIA_AUTO(buf) response = {.max = RIA_RECORD_MAX};
    struct ria_deadline deadline = ria_deadline_in(world, budget);
    bool ok = ria_fetch_client_run(world, request, deadline, &response, &out->err);
    out->state = ok ? RIA_FETCH_ANSWERED : RIA_FETCH_FAILED;
    out->len = ok ? response.len : 0;
}

/* Acts like a caller with an event loop: makes one step for each event, and ends the conversation
 * at the deadline. */
static void go_step_by_step(const struct ria_buf *request, int64_t budget, struct talk *out)
{
    struct ria_fetch_client client;
    RIA_AUTO(buf) response = {.max = RIA_RECORD_MAX};
    out->state = RIA_FETCH_FAILED;
    if (ria_fetch_client_start(&client, "/home/nobody", request, &response, &out->err)) {
        struct pollfd watched = {.fd = client.fd, .events = client.events};
        do {
            out->state = ria_fetch_client_step(&client, &out->err);
            watched.fd = client.fd;
            watched.events = client.events;
        } while (out->state == RIA_FETCH_WAITS && poll(&watched, 1, (int)budget) > 0);
        assert_int_equal(client.fd >= 0, out->state == RIA_FETCH_WAITS);
        ria_fetch_client_end(&client);
        ria_fetch_client_end(&client); /* has no effect */
        assert_int_equal(client.fd, -1);
    }
    out->len = out->state == RIA_FETCH_ANSWERED ? response.len : 0;
}

static size_t count_descriptors(void)
{
    size_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    while (readdir(directory) != NULL) {
        count++;
    }
    (void)closedir(directory);
    return count;
}

static void expect_nothing_left(const char *message, size_t descriptors)
{
    siginfo_t info;
    expect_number(message, waitid(P_ALL, 0, &info, WEXITED | WNOHANG), -1);
    expect_number(message, errno, ECHILD);
    expect_number(message, count_descriptors(), descriptors);
}

static const struct row {
    const char *name;
    const char *word;
    const char *library_path;
    enum ria_fetch_state state;
    const char *piece; /* of the error */
    size_t pad;        /* the length to which the request is padded */
    bool hangs;
} rows[] = {
    {"a response", "whole", NULL, RIA_FETCH_ANSWERED, NULL, 0, false},
    {"a response that comes byte by byte", "bytes", NULL, RIA_FETCH_ANSWERED, NULL, 0, false},
    {"a response before the request is read", "early", NULL, RIA_FETCH_ANSWERED, NULL, 0, false},
    {"a response with more bytes behind it", "longer", NULL, RIA_FETCH_ANSWERED, NULL, 0, false},
    {"a long request that is read late",
     "slow",
     NULL,
     RIA_FETCH_ANSWERED,
     NULL,
     LONG_REQUEST,
     false},
    {"libraries that are found in the caller's LD_LIBRARY_PATH",
     "library",
     "/good",
     RIA_FETCH_ANSWERED,
     NULL,
     0,
     false},
    {"libraries that are missing in the caller's LD_LIBRARY_PATH",
     "library",
     "/bad",
     RIA_FETCH_FAILED,
     "exited with status 127: a library",
     0,
     false},
    {"libraries that are missing, without LD_LIBRARY_PATH",
     "library",
     NULL,
     RIA_FETCH_FAILED,
     "exited with status 127: a library",
     0,
     false},
    {"the status of missing libraries, but with a part of a response",
     "torn 127",
     "/good",
     RIA_FETCH_FAILED,
     "exited with status 127",
     0,
     false},
    {"a response that is not a record",
     "foreign",
     NULL,
     RIA_FETCH_FAILED,
     "does not return a valid record",
     0,
     false},
    {"half a response",
     "torn",
     NULL,
     RIA_FETCH_FAILED,
     "exited with status 0 without a response",
     0,
     false},
    {"no response", "exit 3", NULL, RIA_FETCH_FAILED, "exited with status 3 without", 0, false},
    {"no response, with LD_LIBRARY_PATH",
     "exit 3",
     "/good",
     RIA_FETCH_FAILED,
     "exited with status 3",
     0,
     false},
    {"a process that a signal kills",
     "killed",
     NULL,
     RIA_FETCH_FAILED,
     "was killed by signal 9 (SIGKILL)",
     0,
     false},
    {"a signal without a name in the table",
     "signalled",
     NULL,
     RIA_FETCH_FAILED,
     "was killed by signal 10 (unknown)",
     0,
     false},
    {"a process that closes its socket and does not exit",
     "goes on",
     NULL,
     RIA_FETCH_FAILED,
     "ended its connection without a response; try again",
     0,
     false},
    {"a process that hangs",
     "hang",
     NULL,
     RIA_FETCH_FAILED,
     "took longer than a login allows",
     0,
     true},
    {"a process that hangs and does not read a long request",
     "hang",
     NULL,
     RIA_FETCH_FAILED,
     "took longer than a login allows",
     LONG_REQUEST,
     true},
};

static void take_row(
    const struct row *row,
    void (*talk)(const struct ria_buf *, int64_t, struct talk *),
    struct talk *out)
{
    size_t descriptors = count_descriptors();
    size_t len = row->pad > 0 ? row->pad : strlen(row->word) + 1;
    char *text = calloc(1, len);
    assert_non_null(text);
    (void)strcpy(text, row->word);
    struct ria_buf request = {.data = text, .len = len, .max = len};
    int64_t budget = row->hangs ? SHORT_BUDGET_MS : BUDGET_MS;
    *out = (struct talk){.state = RIA_FETCH_WAITS};
    assert_int_equal(
        row->library_path == NULL ? unsetenv("LD_LIBRARY_PATH")
                                  : setenv("LD_LIBRARY_PATH", row->library_path, 1),
        0);
    talk(&request, budget, out);
    (void)unsetenv("LD_LIBRARY_PATH");
    free(text);
    expect_nothing_left(row->name, descriptors);
}

static void every_conversation_ends_as_expected(void **state)
{
    (void)state;
    for_each_row(row, rows, row->name) {
        struct talk got;
        take_row(row, ask, &got);
        expect_number(row->name, got.state, row->state);
        if (row->piece != NULL) {
            expect_piece(row->name, got.err.text, row->piece);
        } else {
            expect(row->name, got.len > RIA_RECORD_HEADER_LEN);
        }
    }
}

static void every_conversation_ends_the_same_for_a_nonblocking_caller(void **state)
{
    (void)state;
    for_each_row(row, rows, row->name) {
        struct talk got;
        struct talk want;
        take_row(row, ask, &want);
        take_row(row, go_step_by_step, &got);
        if (row->hangs) {
            expect_number(row->name, got.state, RIA_FETCH_WAITS);
            continue;
        }
        expect_number(row->name, got.state, want.state);
        expect_number(row->name, got.len, want.len);
        expect_text(row->name, got.err.text, want.err.text);
    }
}

/* rds-iam-fetch would have the rights of both groups, the real and the effective one. */
static void if_real_and_effective_group_differ_rds_iam_fetch_is_not_started(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        return; /* only root can change its effective group */
    }
    static const struct row row = {.word = "whole"};
    struct talk got;
    assert_int_equal(setegid(1234), 0);
    take_row(&row, ask, &got);
    assert_int_equal(setegid(getgid()), 0);
    assert_int_equal(got.state, RIA_FETCH_FAILED);
    expect_piece(
        "the reason", got.err.text, "effective group differs from its real group (setegid)");
    take_row(&row, ask, &got);
    assert_int_equal(got.state, RIA_FETCH_ANSWERED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_conversation_ends_as_expected),
        cmocka_unit_test(every_conversation_ends_the_same_for_a_nonblocking_caller),
        cmocka_unit_test(if_real_and_effective_group_differ_rds_iam_fetch_is_not_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
