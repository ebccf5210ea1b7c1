/* SPDX-License-Identifier: MIT
 *
 * A login by each plugin for Oracle's library, many times; in each run, another call of the plugin
 * fails (walk.h). A model takes the place of the library (tests/loader). */
#include "login.h"
#include "login_walk.h"
#include "unit.h"

#include <errno.h>
#include <unistd.h>

struct login {
    const char *name;
    const struct ria_profile *profile;
    bool is_verified;
    bool has_small_stack;
};

static struct ria_library library;
static struct ria_login_case where;
static char sent[WALK_TOKEN_SIZE];

static int record(struct ria_connection *connection, const void *bytes, size_t len)
{
    (void)connection;
    size_t used = strlen(sent);
    assert_true(used + len < sizeof(sent));
    memcpy(sent + used, bytes, len);
    return 0;
}

static void run(const void *argument, struct walk_result *out)
{
    static char host[] = LOGIN_HOST;
    static char user[] = "etl";
    static char password[] = "";
    const struct login *login = argument;
    const struct ria_dialed dialed = {
        .host = host,
        .user = user,
        .password = password,
        .port = where.port,
        .has_tls = true,
        .is_verified = login->is_verified};
    struct ria_connection connection;
    int result = 0;
    int ours = -1;
    int theirs = -1;
    memset(sent, 0, sizeof(sent));
    ria_login_connect(&where, &ours, &theirs);
    ria_connection_open(&connection, library.profile, ours, &dialed);
    connection.send = record;
    errno = EDOM;
    bool has_sent = ria_library_authenticate(&library, &connection, &result);
    bool has_errno = errno == EDOM;
    login_walk_result(out, has_sent, !login->is_verified, sent, ria_connection_error(&connection));
    /* Without the port of the peer, the plugin cannot recognize the layout of the connection, so it
     * cannot write a message. Only its log contains the reason, and the library sets error 2000. */
    bool is_unknown = strcmp(walk_failed_call(), "getpeername") == 0;
    bool is_silent = ria_connection_errno(&connection) == 2000 && !is_unknown;
    if (!has_errno || result > 0 || is_silent) {
        out->has_succeeded = false;
        out->message[0] = '\0'; /* reported as a failure without a message */
    }
    ria_connection_close(&connection);
    (void)close(ours);
    (void)close(theirs);
}

static void every_call_may_fail(void **state)
{
    (void)state;
    const struct login logins[] = {
        {"the first library", &ria_profiles[0], true, false},
        {"the last library", &ria_profiles[RIA_PROFILES - 1], true, false},
        {"the last library, a small stack", &ria_profiles[RIA_PROFILES - 1], true, true},
        {"a server that is not verified", &ria_profiles[RIA_PROFILES - 1], false, false},
    };
    for_each_row(login, logins, login->name) {
        const struct walk_scenario scenario = {
            .name = login->name,
            .role = RIA_FAULT_ROLE_GUEST,
            .argument = login,
            .run = run,
            .has_small_stack = login->has_small_stack,
            .minimum_calls = login->is_verified ? 60 : 1,
        };
        ria_library_start(&library, login->profile);
        expect(
            login->name, ria_library_preload(&library, RIA_PLUGINS, "rds_iam_v1;rds_iam_v2") == 1);
        login_walk(&scenario);
        ria_library_end(&library);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_call_may_fail)};
    login_walk_set_up();
    ria_login_listen(&where);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
