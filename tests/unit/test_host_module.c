/* SPDX-License-Identifier: MIT
 *
 * What a program passes as its host: a name, an address in brackets, a list, or a connection string
 * of libmariadb. Each form is searched for RDS names, with the limits of Connector/C. */
#include "preload/host_module.h"

#include "aws/endpoint.h"
#include "base/buf.h"
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#define RDS "db.abc123def456.eu-west-1.rds.amazonaws.com"
#define OTHER "db.example.com"
#define LONG_NAME                                                                                  \
    "x123456789x123456789x123456789x123456789x123456789x123456789x123456789x123456789x123456789"   \
    "x123456789x123456789x123456789x123456789x123456789x123456789x123456789x123456789x123456789"   \
    "x123456789x123456789x123456789x123456789x123456789x123456789x123456789x123456789x123456789"   \
    "x123456789x123456789x123456789x123456789x123456789x123456789x123456789x123456789x123456789"

static int set_environment(void **state)
{
    (void)state;
    return setenv("HOME", "/nonexistent", 1) | setenv("RDS_IAM_CA", "/own.pem", 1) |
           setenv("RDS_IAM_CA_PUBLIC", "", 1);
}

static void a_list_that_is_too_long_is_left_alone(void **state)
{
    (void)state;
    enum {
        LONGEST = 4095
    };
    static const struct {
        const char *name;
        const char *start;
        size_t len; /* of the value, which begins with `start` after its key */
        bool is_ours;
    } rows[] = {
        {"a list", RDS ",", LONGEST + 1, false},
        {"a list in a connection string", "host=" RDS ",", LONGEST + 1, false},
        {"control: the longest list", RDS ",", LONGEST, true},
        {"control: the longest list in a connection string", "host=" RDS ",", LONGEST, true},
        {"only a port that is too long", "host=" RDS ";port=", LONGEST + 1, true},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(buf) host = {.max = (size_t)2 * LONGEST};
        const char *value = strrchr(row->start, '=');
        size_t key = value == NULL ? 0 : (size_t)(value + 1 - row->start);
        ria_buf_add_text(&host, row->start);
        while (host.len < key + row->len) {
            ria_buf_add_char(&host, '1');
        }
        struct ria_host_verdict verdict;
        const struct ria_host_target target = {
            .host = ria_buf_text(&host), .user = "u", .is_mariadb = true};
        ria_host_check(&target, &verdict);
        expect_number(row->name, verdict.is_ours, row->is_ours);
    }
}

static void rds_names_are_found_in_each_form(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *host;
        bool is_mariadb;
        bool is_ours;
    } rows[] = {
        {"a name", RDS, true, true},
        {"a name, for Oracle's library", RDS, false, true},
        {"another name", OTHER, true, false},
        {"an empty name", "", true, false},
        {"a name that is too long", LONG_NAME LONG_NAME LONG_NAME LONG_NAME, true, false},
        {"a list", OTHER "," RDS ":3307", true, true},
        {"a list that begins with an empty entry", "," RDS, true, true},
        {"a list without an RDS name", OTHER "," OTHER, true, false},
        {"a list with an address", "[2001:db8::1]:3306," RDS, true, true},
        {"a list of addresses in brackets", "[2001:db8::1],[2001:db8::2]:1", true, false},
        {"a list, for Oracle's library", OTHER "," RDS, false, false},
        {"a connection string", "user=u;host=" RDS ";port=3307", true, true},
        {"a connection string with blanks", "user=u; host=" RDS, true, true},
        {"a connection string with an invalid port", "host=" RDS ";port=x", true, true},
        {"the key servername", "servername=" RDS, true, true},
        {"a connection string of a list", "host=" OTHER "," RDS, true, true},
        {"a connection string without a host", "user=u;password=p", true, false},
        {"a key that only begins like host", "hostname=" RDS ";h=" RDS, true, false},
        {"a host that is too long", "host=" LONG_NAME LONG_NAME LONG_NAME LONG_NAME, true, false},
        {"a connection string, for Oracle's library", "host=" RDS, false, false},
    };
    for_each_row(row, rows, row->name) {
        for (int lacks_ca = 0; lacks_ca < 2; lacks_ca++) {
            struct ria_host_verdict verdict;
            const struct ria_host_target target = {
                .host = row->host,
                .user = "u",
                .is_mariadb = row->is_mariadb,
                .lacks_ca = lacks_ca};
            ria_host_check(&target, &verdict);
            expect_number(row->name, verdict.is_ours, row->is_ours);
            expect(row->name, !verdict.chain_suffices);
            if (row->is_ours) {
                expect_text(row->name, verdict.ca, "/own.pem");
            } else {
                expect(row->name, verdict.ca == NULL);
            }
        }
    }
}

static void check_logged(const char *name, const char *host, bool is_logged)
{
    char path[] = "/tmp/ria-host-module-XXXXXX";
    char setting[64];
    char text[1024];
    struct ria_host_verdict verdict;
    const struct ria_host_target target = {.host = host, .user = "u", .is_mariadb = true};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)snprintf(setting, sizeof(setting), "warning:%s", path);
    assert_int_equal(setenv("RDS_IAM_LOG", setting, 1), 0);
    ria_host_check(&target, &verdict);
    ssize_t len = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    (void)unlink(path);
    assert_int_equal(unsetenv("RDS_IAM_LOG"), 0);
    text[len < 0 ? 0 : len] = '\0';
    expect_piece(
        name,
        text,
        is_logged ? "the settings of the connection to " OTHER
                    " are left alone: RDS_IAM_CONFIG names /dev/null/x"
                  : "");
    expect_number(name, len > 0, is_logged);
}

/* Without the configuration it is unknown whether another name is mapped to an RDS host. */
static void a_configuration_that_cannot_be_read_is_logged(void **state)
{
    (void)state;
    assert_int_equal(setenv("RDS_IAM_CONFIG", "/dev/null/x", 1), 0);
    check_logged("another name", OTHER, true);
    check_logged("control: an RDS name", RDS, false);
    assert_int_equal(unsetenv("RDS_IAM_CONFIG"), 0);
    check_logged("control: no configuration", OTHER, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rds_names_are_found_in_each_form),
        cmocka_unit_test(a_list_that_is_too_long_is_left_alone),
        cmocka_unit_test(a_configuration_that_cannot_be_read_is_logged),
    };
    return cmocka_run_group_tests(tests, set_environment, NULL);
}
