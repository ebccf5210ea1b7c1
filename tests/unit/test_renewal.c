/* SPDX-License-Identifier: MIT
 *
 * The child process that renews the token of an SSO or `aws login` session (fetch/renewal.h): what
 * the caller gets for each way in which the child ends, and that the caller reaps every child that
 * has ended. The renewals are functions of this test. */
#include "fetch/renewal.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LONG_MS = 20000,
    SHORT_MS = 50,
};

static bool renew(struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err)
{
    (void)fetch;
    (void)file;
    (void)err;
    return true;
}

static bool fail_silent(struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err)
{
    (void)fetch;
    (void)file;
    return ria_fail(err, RIA_E_DEADLINE, "the server is silent");
}

static bool fail_refused(
    struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err)
{
    (void)fetch;
    (void)file;
    return ria_fail(err, RIA_E_CREDENTIALS, "the server refuses");
}

static bool die(struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err)
{
    (void)fetch;
    (void)file;
    (void)err;
    _exit(1);
}

/* file->lock is a pipe here. Returns when the test closes the other end of this pipe. */
static bool hang(struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err)
{
    char byte;
    (void)fetch;
    (void)!read(file->lock, &byte, 1);
    return ria_fail(err, RIA_E_SYSTEM, "the test has ended the renewal");
}

static const struct row {
    const char *name;
    ria_renew *renew;
    const char *text; /* of the error; NULL: success */
    int64_t limit;
    enum ria_code code;
    bool is_running; /* afterwards */
} rows[] = {
    {"a renewal", renew, NULL, LONG_MS, RIA_E_NONE, false},
    {"a refusal", fail_refused, "the server refuses", LONG_MS, RIA_E_CREDENTIALS, false},
    {"a silent server", fail_silent, "the server is silent", LONG_MS, RIA_E_DEADLINE, false},
    {"a child that dies", die, "ended without a result", LONG_MS, RIA_E_SYSTEM, false},
    {"control: a child that still runs",
     hang,
     "the renewal takes longer than a login allows",
     SHORT_MS,
     RIA_E_DEADLINE,
     true},
};

static void every_child_that_has_ended_is_reaped(void **state)
{
    (void)state;
    char directory[] = "/tmp/ria_renewal.XXXXXX";
    assert_non_null(mkdtemp(directory));
    const struct ria_world *world = ria_process_world();
    for_each_row(row, rows, row->name) {
        RIA_AUTO(plan) plan = RIA_PLAN_INIT;
        RIA_AUTO(token_file) file = RIA_TOKEN_FILE_INIT;
        struct ria_fetch fetch = {
            .world = world, .plan = &plan, .deadline = ria_deadline_in(world, row->limit)};
        struct ria_error err = {0};
        (void)snprintf(file.path, sizeof(file.path), "%s/token.json", directory);
        int ends[2];
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        file.lock = ends[0];
        file.facts.owner = geteuid();
        RIA_AUTO(buf) text = {.max = 2};
        ria_buf_add_text(&text, "{}");
        assert_true(ria_document_read(&text, &file.document));
        expect_number(
            row->name,
            ria_renewal_run(&fetch, &file, row->renew, &err),
            row->text == NULL ? RIA_FOUND : RIA_FAILED);
        expect_number(row->name, err.code, row->code);
        expect_piece(row->name, err.text, row->text == NULL ? "" : row->text);
        pid_t left = waitpid(-1, NULL, WNOHANG);
        int error = errno;
        expect(row->name, row->is_running ? left == 0 : left == -1 && error == ECHILD);
        (void)close(ends[1]);
        (void)waitpid(-1, NULL, 0);
    }
    assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_child_that_has_ended_is_reaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
