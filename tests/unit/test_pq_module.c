/* SPDX-License-Identifier: MIT
 *
 * The token module, which is the second object of libpq's preload: the reasons why it withholds a
 * token that the program supplies, and why it makes no passfile; which entries of pg_service.conf
 * get a passfile; and when a reset gets a fresh token.
 */
#include "preload/module.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

static void a_token_needs_a_host_and_a_user(void **state)
{
    (void)state;
    static const char missing[] =
        "the token that was given as the password is not sent: the host name or the user is "
        "missing, so nothing can be verified; set host= and user=";
    static const struct {
        const char *name;
        const char *host;
        const char *hostaddr;
        const char *user;
        const char *text; /* a piece of the log; NULL: the token may be sent */
    } rows[] = {
        {"no user", ONE, NULL, NULL, missing},
        {"an address instead of a name", NULL, "192.0.2.7", "app", missing},
        {"control: host and user", ONE, NULL, "app", NULL},
    };
    const struct ria_pq_module *module = ria_pq_module_for_version(RIA_PQ_MODULE_VERSION);
    for_each_row(row, rows, row->name) {
        const struct ria_pq_target target = {
            .host = row->host,
            .hostaddr = row->hostaddr,
            .user = row->user,
            .sslmode = "verify-full",
            .service_fd = -1,
        };
        if (row->text == NULL) {
            expect(row->name, module->may_send(&target));
        } else {
            expect_piece(row->name, refusal(module, &target), row->text);
        }
    }
}

/* -- service files --------------------------------------------------------------------------- */

#define PASSFILE RIA_SCRATCH "/pq_module_passfile"
#define SERVICE_FILE RIA_SCRATCH "/pq_module_pg_service.conf"
#define ENTRY "host=" ONE "\nuser=app\nsslmode=verify-full\ngssencmode=disable\n"

/* Creates the service file with this text. If the text is NULL, removes the file. If the text is
 * "", creates a directory instead. */
static void make_service_file(const char *text)
{
    (void)remove(SERVICE_FILE);
    if (text == NULL) {
        return;
    }
    if (*text == '\0') {
        assert_int_equal(mkdir(SERVICE_FILE, S_IRWXU), 0);
        return;
    }
    FILE *file = fopen(SERVICE_FILE, "w");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), S_IRUSR | S_IWUSR), 0);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void set_credentials(void)
{
    assert_int_equal(
        setenv("AWS_ACCESS_KEY_ID", "AKIA", 1) | setenv("AWS_SECRET_ACCESS_KEY", "s", 1) |
            unsetenv("AWS_SESSION_TOKEN"),
        0);
}

static void only_valid_entries_get_a_passfile(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *services; /* NULL: no file; "": a directory */
        const char *path;
        bool is_made;
        const char *text; /* a piece of the log; "": nothing is logged */
    } rows[] = {
        {"one entry", "[a]\n" ENTRY "passfile=" PASSFILE "\n", PASSFILE, true, "signed for app"},
        {"another passfile", "[a]\n" ENTRY "passfile=" PASSFILE "\n", PASSFILE "2", false, ""},
        {"an invalid entry",
         "[a]\nhost=" ONE "\nuser=app\nsslmode=require\npassfile=" PASSFILE "\n",
         PASSFILE,
         false,
         SERVICE_FILE
         ":4: [a] has sslmode=require, which lets the token go to an unverified server"},
        {"a valid entry beside an invalid one",
         "[a]\n" ENTRY "passfile=" PASSFILE "\n[b]\n" ENTRY "port=0\npassfile=" PASSFILE "\n",
         PASSFILE,
         false,
         SERVICE_FILE ":12: [b] has a port that is not between 1 and 65535"},
        {"a line that libpq cannot read",
         "[a]\n" ENTRY "passfile=" PASSFILE "\nldap\n",
         PASSFILE,
         false,
         SERVICE_FILE ":7: [a] the line contains no ="},
        {"no service file", NULL, PASSFILE, false, ""},
        {"a directory instead of the service file",
         "",
         PASSFILE,
         false,
         SERVICE_FILE ": is a directory; replace it with a file"},
    };
    const struct ria_pq_module *module = ria_pq_module_for_version(RIA_PQ_MODULE_VERSION);
    set_credentials();
    assert_int_equal(setenv("PGSERVICEFILE", SERVICE_FILE, 1), 0);
    for_each_row(row, rows, row->name) {
        make_service_file(row->services);
        off_t before = lseek(STDERR_FILENO, 0, SEEK_END);
        int fd = module->make_service_passfile(row->path, false);
        const char *text = logged_after(before);
        expect_number(row->name, fd >= 0, row->is_made);
        expect_piece(row->name, text, row->text);
        expect(row->name, row->text[0] != '\0' || text[0] == '\0');
        if (fd >= 0) {
            (void)close(fd);
        }
    }
    make_service_file(NULL);
    (void)unsetenv("PGSERVICEFILE");
}

/* -- resets ---------------------------------------------------------------------------------- */

static void a_reset_replaces_only_a_token_that_is_older(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *user;
        const char *sslmode;
        bool is_old;   /* the token in the slot, the memory in which libpq stores it, is of 2016 */
        bool is_short; /* the slot has no room for a byte more than the token has */
        bool is_current;
        bool is_changed;
        bool is_too_long;
        const char *refusal;
    } rows[] = {
        {"an old token", "app", "verify-full", true, false, true, true, false, ""},
        {"the token of this second", "app", "verify-full", false, false, true, false, false, ""},
        {"a slot without room", "longer", "verify-full", true, true, false, false, true, ""},
        {"no user", NULL, "verify-full", true, false, false, false, false, ""},
        {"a server that is not verified",
         "app",
         "require",
         true,
         false,
         false,
         false,
         false,
         "no token for app at " ONE ":5432: sslmode=require would send the token to an unverified "
         "server"},
    };
    const struct ria_pq_module *module = ria_pq_module_for_version(RIA_PQ_MODULE_VERSION);
    const struct ria_world *world = ria_process_world();
    set_credentials();
    for_each_row(row, rows, row->name) {
        const struct ria_login login = {
            .host = ONE, .port = 5432, .user = "app", .channel = RIA_CHANNEL_VERIFIED};
        const struct ria_pq_target target = {
            .host = ONE, .user = row->user, .sslmode = row->sslmode, .service_fd = -1};
        RIA_AUTO(token) token = RIA_TOKEN_INIT;
        struct ria_error err;
        char slot[4096];
        char before[sizeof(slot)];
        struct ria_pq_refreshed out;
        struct ria_deadline deadline = ria_deadline_in(world, RIA_LOGIN_BUDGET_MS);
        assert_int_equal(ria_token_for(&login, deadline, world, &token, &err), RIA_FOUND);
        (void)snprintf(slot, sizeof(slot), "%s", ria_buf_text(&token.text));
        char *date = strstr(slot, "X-Amz-Date=20");
        assert_non_null(date);
        if (row->is_old) {
            memcpy(date, "X-Amz-Date=2016", strlen("X-Amz-Date=2016"));
        }
        (void)strcpy(before, slot);
        const struct ria_pq_token_slot held = {
            .token = slot, .room = row->is_short ? strlen(slot) + 1 : sizeof(slot)};
        module->refresh(&target, &held, &out);
        expect_number(row->name, out.is_current, row->is_current);
        expect_number(row->name, out.is_too_long, row->is_too_long);
        expect_number(row->name, strcmp(slot, before) != 0, row->is_changed);
        expect_piece(row->name, out.refusal, row->refusal);
        expect(row->name, row->refusal[0] != '\0' || out.refusal[0] == '\0');
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
        cmocka_unit_test(a_token_needs_a_host_and_a_user),
        cmocka_unit_test(only_valid_entries_get_a_passfile),
        cmocka_unit_test(a_reset_replaces_only_a_token_that_is_older),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
