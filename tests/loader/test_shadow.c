/* SPDX-License-Identifier: MIT
 *
 * Tests the shadow plugins (mysql_plugin/mysql) in each version of Oracle's library: which version
 * loads which file, what is sent to which server, and the message of each rejected login. Only the
 * library is a model; the plugins are those of the product. */
#include "login.h"

#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOT_ENCRYPTED "rds-iam: the connection is not encrypted, so no token was sent; "
#define NAME_NOT_VERIFIED "rds-iam: the server's host name was not verified, so no token was sent; "
#define VERIFY_IDENTITY                                                                            \
    "set --ssl-mode=VERIFY_IDENTITY --ssl-ca=FILE, where rds-iam setup ca installs FILE"
#define STOCK "Authentication plugin 'mysql_clear_password' cannot be loaded: plugin not enabled"
#define GATE "LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN"

static struct ria_login_case where;
static struct ria_login_result outcome;

static char rds[] = RIA_RDS_HOST;
static char other[] = "db.example.com";
static char etl[] = "etl";
static char none[] = "";
static char typed[] = "typed-at-the-prompt";
static char pasted[] = "h:1/?Action=connect&DBUser=u&X-Amz-Signature=00";

static void dial(struct ria_library *library, struct ria_dialed dialed)
{
    dialed.user = dialed.user == NULL ? etl : dialed.user;
    dialed.password = dialed.password == NULL ? none : dialed.password;
    ria_login_run(&where, library, &dialed, &outcome);
}

static void start(struct ria_library *library, const struct ria_profile *profile)
{
    ria_library_start(library, profile);
    expect_number(profile->name, ria_library_preload(library, RIA_PLUGINS, RIA_SHADOWS), 1);
}

/* Runs a check in each version of the library. */
static void in_each(void (*check)(struct ria_library *library, const char *version))
{
    for (size_t i = 0; i < RIA_PROFILES; i++) {
        struct ria_library library;
        start(&library, &ria_profiles[i]);
        check(&library, ria_profiles[i].name);
        ria_library_end(&library);
    }
}

struct crowd {
    struct ria_library *library;
    pthread_barrier_t barrier;
};

static void *log_in_repeatedly(void *argument)
{
    struct crowd *crowd = argument;
    struct ria_login_result *mine = calloc(1, sizeof(*mine));
    struct ria_login_case own;
    ria_login_listen(&own);
    (void)pthread_barrier_wait(&crowd->barrier);
    for (int i = 0; mine != NULL && i < 5; i++) {
        struct ria_dialed dialed = {
            .host = rds, .user = etl, .password = none, .has_tls = true, .is_verified = i % 2 == 0};
        ria_login_run(&own, crowd->library, &dialed, mine);
        if (dialed.is_verified) {
            ria_login_expect_token("a thread", mine, rds, own.port, etl);
        } else {
            ria_login_expect_refusal("a thread", mine, 2061, NAME_NOT_VERIFIED);
        }
    }
    ria_login_close(&own);
    free(mine);
    return argument;
}

/* This test must run first in the process: all threads at once are the first users of the plugin,
 * and of the libraries that it uses. */
static void several_threads_may_be_the_first_users(void **state)
{
    (void)state;
    pthread_t threads[8];
    for (size_t i = 0; i < RIA_PROFILES; i++) {
        struct ria_library library;
        struct crowd crowd = {.library = &library};
        start(&library, &ria_profiles[i]);
        assert_int_equal(pthread_barrier_init(&crowd.barrier, NULL, RIA_COUNT(threads)), 0);
        for (size_t t = 0; t < RIA_COUNT(threads); t++) {
            assert_int_equal(pthread_create(&threads[t], NULL, log_in_repeatedly, &crowd), 0);
        }
        for (size_t t = 0; t < RIA_COUNT(threads); t++) {
            void *result = NULL;
            assert_int_equal(pthread_join(threads[t], &result), 0);
            assert_ptr_equal(result, &crowd);
        }
        (void)pthread_barrier_destroy(&crowd.barrier);
        ria_library_end(&library);
    }
}

static void each_version_loads_one_file_and_searches_it_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < RIA_PROFILES; i++) {
        const struct ria_profile *profile = &ria_profiles[i];
        bool is_v1 = strcmp(profile->shadow, "rds_iam_v1") == 0;
        const char *refused = is_v1 ? "rds_iam_v2" : "rds_iam_v1";
        struct ria_library library;
        ria_library_start(&library, profile);
        const struct ria_declaration *built_in = ria_library_find(&library, "mysql_clear_password");
        expect_number(
            profile->name,
            ria_library_load(&library, RIA_PLUGINS, refused),
            RIA_LOAD_OTHER_INTERFACE);
        expect_number(
            profile->name, ria_library_load(&library, RIA_PLUGINS, profile->shadow), RIA_LOADED);
        const struct ria_declaration *shadow = ria_library_find(&library, "mysql_clear_password");
        expect(profile->name, shadow != built_in);
        expect_number(profile->name, shadow->interface_version, is_v1 ? 0x0101 : 0x0200);
        /* A second load of the same file fails, because its plugin now has another name. */
        expect_number(
            profile->name,
            ria_library_load(&library, RIA_PLUGINS, profile->shadow),
            RIA_LOAD_OTHER_NAME);
        /* The plugin has no function for asynchronous logins, so the library calls
         * authenticate_user. */
        expect(profile->name, shadow->functions[is_v1 ? 1 : 2] == NULL);
        ria_library_end(&library);
    }
}

/* Ends and starts the library repeatedly. deinit() must restore the plugin's name, or the file is
 * not loaded again. */
static void check_again(struct ria_library *library, const char *version)
{
    for (int round = 0; round < 3; round++) {
        const struct ria_profile *profile = library->profile;
        ria_library_end(library);
        start(library, profile);
        dial(library, (struct ria_dialed){.host = rds, .has_tls = true, .is_verified = true});
        ria_login_expect_token(version, &outcome, rds, where.port, etl);
    }
}

static void the_library_may_end_and_start_again(void **state)
{
    (void)state;
    in_each(check_again);
}

static void check_token(struct ria_library *library, const char *version)
{
    struct ria_dialed dialed = {.host = rds, .has_tls = true, .is_verified = true};
    dial(library, dialed);
    ria_login_expect_token(version, &outcome, rds, where.port, etl);
    /* --enable-cleartext-plugin makes no difference. */
    library->is_cleartext_enabled = true;
    dial(library, dialed);
    ria_login_expect_token(version, &outcome, rds, where.port, etl);
}

static void a_verified_server_gets_a_token_with_its_nul(void **state)
{
    (void)state;
    in_each(check_token);
}

static void check_change(struct ria_library *library, const char *version)
{
    static char second[] = "second user";
    struct ria_dialed dialed = {
        .host = rds,
        .user = etl,
        .password = none,
        .port = where.port,
        .has_tls = true,
        .is_verified = true};
    struct ria_connection connection;
    int ours = -1;
    int theirs = -1;
    memset(&outcome, 0, sizeof(outcome));
    ria_login_connect(&where, &ours, &theirs);
    assert_int_equal(fcntl(ours, F_SETFL, O_NONBLOCK), 0); /* as in an asynchronous login */
    ria_connection_open(&connection, library->profile, ours, &dialed);
    expect(version, ria_library_authenticate(library, &connection, &outcome.result));
    dialed.user = second;
    ria_connection_dial(&connection, &dialed);
    expect(version, ria_library_authenticate(library, &connection, &outcome.result));
    expect_number(version, connection.packets, 2);
    ria_connection_close(&connection);
    ria_login_collect(ours, theirs, &outcome);
    const char *next = outcome.received + strlen(outcome.received) + 1;
    expect_piece(version, outcome.received, "&DBUser=etl&");
    expect_piece(version, next, "&DBUser=second%20user&");
    expect_number(version, outcome.len, strlen(outcome.received) + strlen(next) + 2);
}

static void a_change_of_user_gets_its_own_token(void **state)
{
    (void)state;
    in_each(check_change);
}

static void write_config(const char *text)
{
    FILE *file = fopen(RIA_SCRATCH "/shadow.config", "w");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(RIA_SCRATCH "/shadow.config", 0600), 0);
    (void)setenv("RDS_IAM_CONFIG", RIA_SCRATCH "/shadow.config", 1);
}

static void check_channels(struct ria_library *library, const char *version)
{
    static char *const passwords[] = {none, pasted};
    for (size_t i = 0; i < RIA_COUNT(passwords); i++) {
        dial(library, (struct ria_dialed){.host = rds, .password = passwords[i]});
        ria_login_expect_refusal(version, &outcome, 2061, NOT_ENCRYPTED VERIFY_IDENTITY);
        /* Bit 30 of client_flag is set, but an attacker has removed TLS: no token is sent. */
        dial(
            library,
            (struct ria_dialed){.host = rds, .password = passwords[i], .is_verified = true});
        ria_login_expect_refusal(version, &outcome, 2061, NOT_ENCRYPTED VERIFY_IDENTITY);
        /* In 5.7, an earlier connection failed, and an attacker removes TLS from this
         * connection. */
        dial(
            library,
            (struct ria_dialed){
                .host = rds,
                .password = passwords[i],
                .has_old_context = true,
                .is_verified = true});
        ria_login_expect_refusal(version, &outcome, 2061, NOT_ENCRYPTED VERIFY_IDENTITY);
        dial(library, (struct ria_dialed){.host = rds, .password = passwords[i], .has_tls = true});
        ria_login_expect_refusal(version, &outcome, 2061, NAME_NOT_VERIFIED VERIFY_IDENTITY);
    }
    dial(
        library,
        (struct ria_dialed){.host = rds, .password = pasted, .has_tls = true, .is_verified = true});
    expect_text(version, outcome.received, pasted);
}

static void an_unverified_server_gets_no_token(void **state)
{
    (void)state;
    in_each(check_channels);
}

static void check_config(struct ria_library *library, const char *version)
{
    struct ria_dialed dialed = {.host = other, .has_tls = true, .is_verified = true};
    write_config("[db.example.com]\nendpoint = " RIA_RDS_HOST ":3306\ntls = verify-ca\n");
    dial(library, dialed);
    ria_login_expect_token(version, &outcome, rds, 3306, etl);
    /* tls = verify-ca is ignored, because a plugin cannot see whether the chain was verified. */
    dialed.is_verified = false;
    dial(library, dialed);
    ria_login_expect_refusal(
        version, &outcome, 2061, NAME_NOT_VERIFIED "use the endpoint's own name with --ssl-mode=");
    /* A section without an endpoint does not make a host an RDS host. */
    write_config("[*.example.com]\nregion = us-east-1\n");
    dial(library, dialed);
    ria_login_expect_refusal(version, &outcome, 2059, STOCK);
    write_config("[db.example.com]\nend = x\n");
    dial(library, dialed);
    ria_login_expect_refusal(
        version, &outcome, 2061, "rds-iam: " RIA_SCRATCH "/shadow.config:2: unknown key \"end\"");
    (void)setenv(GATE, "1", 1);
    dialed.password = typed;
    dial(library, dialed);
    expect_text(version, outcome.received, typed);
    (void)unsetenv(GATE);
    (void)unsetenv("RDS_IAM_CONFIG");
    (void)unlink(RIA_SCRATCH "/shadow.config");
}

static void a_section_with_an_endpoint_makes_a_host_an_rds_host(void **state)
{
    (void)state;
    in_each(check_config);
}

static void check_failures(struct ria_library *library, const char *version)
{
    static char global[] = "mydb.global-abcdefghijkl.global.rds.amazonaws.com";
    struct ria_dialed dialed = {.host = rds, .has_tls = true, .is_verified = true};
    (void)setenv("AWS_ACCESS_KEY_ID", "", 1);
    dial(library, dialed);
    ria_login_expect_refusal(
        version,
        &outcome,
        2061,
        "rds-iam: AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is empty");
    (void)setenv("AWS_ACCESS_KEY_ID", "AKIALOADEREXAMPLE001", 1);
    (void)setenv("AWS_CREDENTIAL_EXPIRATION", "100%s%n\n\xff", 1);
    dial(library, dialed);
    ria_login_expect_refusal(version, &outcome, 2061, "rds-iam: AWS_CREDENTIAL_EXPIRATION is ");
    expect_piece(version, outcome.error, "100?s?n??");
    (void)unsetenv("AWS_CREDENTIAL_EXPIRATION");
    /* An Aurora global endpoint, whose region the user must set, has its own message. */
    dialed.host = global;
    dial(library, dialed);
    expect_number(version, outcome.code, 2061);
    expect_piece(version, outcome.error, "is an Aurora global endpoint, whose name has no region");
}

static void the_cores_message_reaches_the_user(void **state)
{
    (void)state;
    in_each(check_failures);
}

static void check_no_user(struct ria_library *library, const char *version)
{
    const struct passwd *me = getpwuid(geteuid());
    char terminal[256];
    const char *name = me == NULL ? NULL : me->pw_name;
    if (geteuid() == 0) {
        name = "root";
    } else if (getlogin_r(terminal, sizeof(terminal)) == 0) {
        name = terminal;
    }
    assert_non_null(name);
    dial(
        library,
        (struct ria_dialed){.host = rds, .user = none, .has_tls = true, .is_verified = true});
    ria_login_expect_token(version, &outcome, rds, where.port, name);
}

static void the_default_user_is_the_operating_systems_user(void **state)
{
    (void)state;
    in_each(check_no_user);
}

static int cannot_send(struct ria_connection *connection, const void *bytes, size_t len)
{
    (void)connection;
    (void)bytes;
    (void)len;
    return 1;
}

static void check_broken_pipe(struct ria_library *library, const char *version)
{
    struct ria_dialed dialed = {
        .host = rds,
        .user = etl,
        .password = none,
        .port = where.port,
        .has_tls = true,
        .is_verified = true};
    struct ria_connection connection;
    int ours = -1;
    int theirs = -1;
    int result = 1;
    ria_login_connect(&where, &ours, &theirs);
    ria_connection_open(&connection, library->profile, ours, &dialed);
    connection.send = cannot_send;
    expect(version, !ria_library_authenticate(library, &connection, &result));
    expect_number(version, result, 0);
    expect_number(version, connection.packets, 1);
    expect_text(version, ria_connection_error(&connection), "Unknown MySQL error");
    ria_connection_close(&connection);
    (void)close(ours);
    (void)close(theirs);
}

static void a_write_that_fails_leaves_the_librarys_error(void **state)
{
    (void)state;
    in_each(check_broken_pipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_threads_may_be_the_first_users),
        cmocka_unit_test(each_version_loads_one_file_and_searches_it_first),
        cmocka_unit_test(the_library_may_end_and_start_again),
        cmocka_unit_test(a_verified_server_gets_a_token_with_its_nul),
        cmocka_unit_test(a_change_of_user_gets_its_own_token),
        cmocka_unit_test(an_unverified_server_gets_no_token),
        cmocka_unit_test(a_section_with_an_endpoint_makes_a_host_an_rds_host),
        cmocka_unit_test(the_cores_message_reaches_the_user),
        cmocka_unit_test(the_default_user_is_the_operating_systems_user),
        cmocka_unit_test(a_write_that_fails_leaves_the_librarys_error),
    };
    ria_login_environment();
    ria_login_listen(&where);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ria_login_close(&where);
    return failed;
}
