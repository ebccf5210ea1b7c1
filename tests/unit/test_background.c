/* SPDX-License-Identifier: MIT
 *
 * Background fetches: what a caller gets at once, later, and after an error. Also the limits: how
 * many children run, how many results are remembered, and how much memory the responses use.
 * background_peer.c stands for rds-iam-fetch. */
#include "base/secret.h"
#include "provider/request.h"
#include "provider/response.h"
#include "rds_iam.h"

#include "heap.h"
#include "unit.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    BUDGET_MS = 60000,
    SHORT_BUDGET_MS = 200,
    CHILDREN = 16, /* the limits of login/background.c */
    NAMES = 256,
};

static struct ria_background *background;

static int begin(void **state)
{
    background = ria_background_new(ria_process_world());
    return unit_setup(state) != 0 || background == NULL ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    ria_background_free(background);
    return 0;
}

/* Writes the request for a plan with this label, which tells the peer what to do. Plans with
 * different numbers have different cache names, so they are different fetches. */
static void write_request(
    const char *label, unsigned number, int64_t budget, struct ria_buf *request)
{
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    struct ria_error err;
    plan.source = RIA_SOURCE_KEYS;
    (void)snprintf(plan.label, sizeof(plan.label), "%s", label);
    ria_buf_addf(&plan.keys.access_key_id, "AKIA%u%s", number, label);
    ria_buf_add_text(&plan.keys.secret_access_key, "secret");
    assert_true(ria_request_write(&plan, budget, NULL, NULL, request, &err));
}

/* Calls ria_background_fetch() for such a request. */
static bool ask(
    const char *label,
    unsigned number,
    int64_t budget,
    struct ria_buf *response,
    struct ria_error *err)
{
    const struct ria_world *world = ria_process_world();
    RIA_AUTO(buf) request = {.max = RIA_RECORD_MAX};
    write_request(label, number, budget, &request);
    return ria_background_fetch(
        background, &request, ria_deadline_in(world, budget), response, err);
}

/* Starts a fetch, calls ria_background_work() until it has ended, and returns its result. No
 * earlier call may have started this fetch. */
static bool await(
    const char *label,
    unsigned number,
    int64_t budget,
    struct ria_buf *response,
    struct ria_error *err)
{
    assert_false(ask(label, number, budget, response, err));
    assert_int_equal(err->code, RIA_E_PENDING);
    struct pollfd watched = {.fd = ria_background_fd(background), .events = POLLIN};
    bool has_ended = false;
    while (!has_ended) {
        (void)poll(&watched, 1, SHORT_BUDGET_MS);
        has_ended = ria_background_work(background);
    }
    return ask(label, number, budget, response, err);
}

static void a_response_comes_later_and_stays(void **state)
{
    (void)state;
    RIA_AUTO(buf) response = {.max = RIA_RECORD_MAX};
    struct ria_error err = {0};
    assert_true(await("found", 1, BUDGET_MS, &response, &err));
    RIA_AUTO(response) read = RIA_RESPONSE_INIT;
    assert_true(ria_response_read(&response, &read));
    assert_string_equal(read.credentials.access_key_id.data, "ASIA");
    assert_true(ask("found", 1, BUDGET_MS, &response, &err));
    ria_background_forget(background);
    assert_false(ask("found", 1, BUDGET_MS, &response, &err));
    assert_int_equal(err.code, RIA_E_PENDING);
}

/* Lets each allocation of a first fetch fail. */
static void without_memory_a_fetch_fails_or_stays_pending(void **state)
{
    (void)state;
    const struct ria_world *world = ria_process_world();
    RIA_AUTO(buf) request = {.max = RIA_RECORD_MAX};
    write_request("found", 1, BUDGET_MS, &request);
    size_t before = ria_heap_live();
    bool has_failed = true;
    size_t n = 0;
    while (has_failed) {
        RIA_AUTO(buf) response = {.max = RIA_RECORD_MAX};
        struct ria_error err = {0};
        ria_heap_fail_at(++n);
        struct ria_background *own = ria_background_new(world);
        if (own != NULL) {
            assert_false(ria_background_fetch(
                own, &request, ria_deadline_in(world, BUDGET_MS), &response, &err));
        }
        has_failed = ria_heap_has_failed();
        ria_heap_fail_at(0);
        assert_int_equal(own == NULL, n == 1);
        assert_true(own == NULL || err.code == RIA_E_PENDING || err.text[0] != '\0');
        assert_null(strstr(err.text, "is not valid"));
        if (own != NULL) {
            ria_background_free(own);
        }
        assert_int_equal(ria_heap_live(), before);
    }
    assert_true(n > 3);
}

static void a_refusal_is_a_response(void **state)
{
    (void)state;
    RIA_AUTO(buf) response = {.max = RIA_RECORD_MAX};
    struct ria_error err = {0};
    assert_true(await("refused", 1, BUDGET_MS, &response, &err));
    RIA_AUTO(response) read = RIA_RESPONSE_INIT;
    assert_true(ria_response_read(&response, &read));
    assert_string_equal(read.err.text, "refused by the peer");
}

static void errors_are_reported_and_stay(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        int64_t budget;
        enum ria_code code;
        const char *piece;
    } rows[] = {
        {"another record",
         BUDGET_MS,
         RIA_E_SYSTEM,
         "rds-iam-fetch returned a record that is not a response"},
        {"nothing", BUDGET_MS, RIA_E_SYSTEM, "exited with status 0 without a response"},
        {"hang", SHORT_BUDGET_MS, RIA_E_DEADLINE, "took longer than a login allows"},
    };
    for_each_row(row, rows, row->label) {
        RIA_AUTO(buf) response = {.max = RIA_RECORD_MAX};
        struct ria_error err = {0};
        expect(row->label, !await(row->label, 1, row->budget, &response, &err));
        expect_number(row->label, err.code, row->code);
        expect_piece(row->label, err.text, row->piece);
        err = (struct ria_error){0};
        expect(row->label, !ask(row->label, 1, row->budget, &response, &err));
        expect_piece("again", err.text, row->piece);
    }
}

static void an_invalid_request_is_refused(void **state)
{
    (void)state;
    RIA_AUTO(buf) request = {.max = 64};
    RIA_AUTO(buf) response = {.max = RIA_RECORD_MAX};
    struct ria_error err = {0};
    ria_buf_add_text(&request, "no record");
    struct ria_deadline deadline = ria_deadline_in(ria_process_world(), BUDGET_MS);
    assert_false(ria_background_fetch(background, &request, deadline, &response, &err));
    assert_string_equal(err.text, "the request to rds-iam-fetch is not valid");
}

static void a_seventeenth_child_is_not_started(void **state)
{
    (void)state;
    RIA_AUTO(buf) response = {.max = RIA_RECORD_MAX};
    struct ria_error err = {0};
    for (unsigned i = 0; i < CHILDREN; i++) {
        assert_false(ask("hang", i, BUDGET_MS, &response, &err));
        assert_int_equal(err.code, RIA_E_PENDING);
    }
    assert_false(ask("found", 0, BUDGET_MS, &response, &err));
    assert_int_equal(err.code, RIA_E_PENDING);
    int64_t due = ria_background_due(background);
    assert_true(due <= ria_deadline_in(ria_process_world(), BUDGET_MS).at);
    assert_false(ria_background_work(background));
    ria_background_free(background);
    background = ria_background_new(ria_process_world());
    assert_true(await("found", 0, BUDGET_MS, &response, &err)); /* control */
}

/* The responses also need more memory than the process reserves for secrets. This is a second
 * reason why the oldest responses are dropped. */
static void one_result_too_many_replaces_the_oldest(void **state)
{
    (void)state;
    RIA_AUTO(buf) response = {.max = RIA_RECORD_MAX};
    struct ria_error err = {0};
    for (unsigned i = 0; i < NAMES + 1; i++) {
        assert_true(await("found", i, BUDGET_MS, &response, &err));
    }
    assert_true(ask("found", NAMES, BUDGET_MS, &response, &err)); /* the newest */
    assert_false(ask("found", 0, BUDGET_MS, &response, &err));
    assert_int_equal(err.code, RIA_E_PENDING);
}

/* If no secret memory is left, the response stays in ordinary memory for a short time. */
static void without_secret_memory_a_response_is_still_given(void **state)
{
    (void)state;
    static struct ria_secret all[RIA_SECRETS_MAX / 1024];
    static const char bytes[1024];
    for (size_t i = 0; i < RIA_COUNT(all); i++) {
        assert_true(ria_secret_keep(&all[i], bytes, sizeof(bytes)) || i > 0);
    }
    RIA_AUTO(buf) response = {.max = RIA_RECORD_MAX};
    struct ria_error err = {0};
    bool is_found = await("found", 1, BUDGET_MS, &response, &err);
    for (size_t i = 0; i < RIA_COUNT(all); i++) {
        ria_secret_wipe(&all[i]);
    }
    assert_true(is_found);
}

static void without_descriptors_nothing_is_started(void **state)
{
    (void)state;
    RIA_AUTO(buf) response = {.max = RIA_RECORD_MAX};
    struct ria_error err = {0};
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {3, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct ria_background *made = ria_background_new(ria_process_world());
    bool is_found = ask("found", 1, BUDGET_MS, &response, &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_null(made);
    assert_false(is_found);
    assert_non_null(strstr(
        err.text,
        "its socket cannot be created: Too many open files; raise the limit of open files: ulimit "
        "-n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_response_comes_later_and_stays, begin, end),
        cmocka_unit_test_setup_teardown(without_memory_a_fetch_fails_or_stays_pending, begin, end),
        cmocka_unit_test_setup_teardown(a_refusal_is_a_response, begin, end),
        cmocka_unit_test_setup_teardown(errors_are_reported_and_stay, begin, end),
        cmocka_unit_test_setup_teardown(an_invalid_request_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(a_seventeenth_child_is_not_started, begin, end),
        cmocka_unit_test_setup_teardown(one_result_too_many_replaces_the_oldest, begin, end),
        cmocka_unit_test_setup_teardown(
            without_secret_memory_a_response_is_still_given, begin, end),
        cmocka_unit_test_setup_teardown(without_descriptors_nothing_is_started, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
