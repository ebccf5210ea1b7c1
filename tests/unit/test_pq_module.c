/* SPDX-License-Identifier: MIT
 *
 * The token module, which is the second object of libpq's preload: the reasons why it withholds a
 * token that the program supplies, and why it makes no passfile.
 */
#include "preload/module.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define ONE "one.abc.eu-west-1.rds.amazonaws.com"
#define TWO "two.abc.eu-west-1.rds.amazonaws.com"

/* Returns the last 2 KB of what was logged after `before`. stderr is a file while this program
 * runs. */
static const char *logged_after(off_t before)
{
    static char text[2048];
    off_t tail = lseek(STDERR_FILENO, 0, SEEK_END) - (off_t)(sizeof(text) - 1);
    ssize_t len = pread(STDERR_FILENO, text, sizeof(text) - 1, tail > before ? tail : before);
    text[len < 0 ? 0 : len] = '\0';
    return text;
}

/* Returns the log of one check. */
static const char *refusal(const struct ria_pq_module *module, const struct ria_pq_target *target)
{
    off_t before = lseek(STDERR_FILENO, 0, SEEK_END);
    assert_false(module->may_send(target));
    return logged_after(before);
}

static void a_list_of_ports_is_accepted(void **state)
{
    (void)state;
    /* If the ports are accepted, the next check refuses the token, because sslmode is verify-ca. */
    static const char unverified[] =
        "the server's host name was not verified; set sslmode=verify-full";
    static const char no_port[] = "the port is not between 1 and 65535";
    static const struct {
        const char *name;
        const char *host;
        const char *port;
        const char *text; /* a part of the reason */
    } rows[] = {
        {"one host", ONE, "5432", unverified},
        {"no port", ONE, NULL, unverified},
        {"two hosts and one port", ONE "," TWO, "5432", unverified},
        {"a port for each host", ONE "," TWO, "5432,5433", unverified},
        {"long ports", ONE "," TWO "," ONE, "65535,65534,65533", unverified},
        {"an empty item, which means the default port", ONE "," TWO, ",5433", unverified},
        {"control: zero", ONE, "0", no_port},
        {"control: a list that begins with port 0", ONE "," TWO, "0,5433", no_port},
        {"control: more digits than a port has", ONE "," TWO, "654321,5433", no_port},
    };
    const struct ria_pq_module *module = ria_pq_module_for_version(RIA_PQ_MODULE_VERSION);
    for_each_row(row, rows, row->name) {
        const struct ria_pq_target target = {
            .host = row->host,
            .port = row->port,
            .user = "app",
            .sslmode = "verify-ca",
            .service_fd = -1,
        };
        expect_piece(row->name, refusal(module, &target), row->text);
    }
}

/* Each line of this passfile has 26 KB, because each slash of the session token is written as three
 * bytes. So 1320 lines exceed RIA_PASSFILE_MAX. */
static void a_passfile_that_is_too_long_is_reported(void **state)
{
    (void)state;
    enum {
        SESSION = 8192,
        HOSTS = 1320
    };
    static char session[SESSION + 1];
    static char hosts[HOSTS * sizeof(ONE)];
    const struct ria_pq_module *module = ria_pq_module_for_version(RIA_PQ_MODULE_VERSION);
    memset(session, '/', SESSION);
    assert_int_equal(
        setenv("AWS_ACCESS_KEY_ID", "ASIA", 1) | setenv("AWS_SECRET_ACCESS_KEY", "s", 1) |
            setenv("AWS_SESSION_TOKEN", session, 1),
        0);
    static const struct {
        const char *name;
        size_t hosts;
        bool is_made;
        const char *text; /* a piece of the log */
    } rows[] = {
        {"too long", HOSTS, false, "it is too long, or memory ran out; name fewer hosts"},
        {"control: two hosts", 2, true, "signed for app"}};
    for_each_row(row, rows, row->name) {
        for (size_t i = 0; i < row->hosts; i++) {
            memcpy(hosts + (i * sizeof(ONE)), ONE ",", sizeof(ONE));
        }
        hosts[(row->hosts * sizeof(ONE)) - 1] = '\0';
        const struct ria_pq_target target = {
            .host = hosts,
            .port = "5432",
            .user = "app",
            .sslmode = "verify-full",
            .passfile = "/nonexistent",
            .service_fd = -1,
        };
        struct ria_pq_passfile passfile;
        off_t before = lseek(STDERR_FILENO, 0, SEEK_END);
        time_t start = time(NULL);
        module->make_passfile(&target, NULL, &passfile);
        const char *text = logged_after(before);
        /* With sanitizers, or on a loaded machine, the time for a login can run out first. */
        if (time(NULL) - start < RIA_LOGIN_BUDGET_MS / 1000 - 1) {
            expect(row->name, (passfile.fd >= 0) == row->is_made);
            expect_piece(row->name, text, row->text);
        }
        if (passfile.fd >= 0) {
            (void)close(passfile.fd);
        }
    }
}

int main(void)
{
    int log = memfd_create("log", 0);
    if (log < 0 || dup2(log, STDERR_FILENO) < 0 || setenv("RDS_IAM_LOG", "1", 1) != 0 ||
        setenv("HOME", "/nonexistent", 1) != 0 || unsetenv("RDS_IAM_CONFIG") != 0 ||
        unsetenv("XDG_CONFIG_HOME") != 0) {
        return EXIT_FAILURE;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_ports_is_accepted),
        cmocka_unit_test(a_passfile_that_is_too_long_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
