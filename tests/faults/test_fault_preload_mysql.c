/* SPDX-License-Identifier: MIT
 *
 * Programs on the distribution's libmariadb under the preload, and the command-line tool `mariadb`.
 * In each run, another call of the preload or of rds-iam-mysql-host.so fails (walk.h). Calls of
 * libmariadb itself do not fail. The "token" of a run is what the preload has set: the options that
 * make the library verify the server. Without these options, the plugins send no token.
 */
#include "preload_walk.h"
#include "scratch.h"
#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <mysql.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    OUTPUT_MAX = 4096,
};

struct program {
    const char *name;
    void (*run)(struct walk_result *out);
    int64_t kept_objects; /* of the tool: the text of the option file, in the run and in the next */
};

static unsigned port; /* nothing listens here */

/* Binds a port without listening, so a connection is refused at once. */
static void take_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    port = ntohs(address.sin_port);
}

/* Connects the handle, and writes the options that the handle then has: CA, verification, plugin
 * directory. */
static void connect_to(MYSQL *mysql, const char *host, char *out, size_t size)
{
    const char *ca = NULL;
    const char *directory = NULL;
    my_bool is_verified = 0;
    (void)mysql_real_connect(mysql, host, "etl", NULL, NULL, port, NULL, CLIENT_REMEMBER_OPTIONS);
    (void)mysql_get_option(mysql, MYSQL_OPT_SSL_CA, &ca);
    (void)mysql_get_option(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &is_verified);
    (void)mysql_get_option(mysql, MYSQL_PLUGIN_DIR, &directory);
    (void)snprintf(
        out,
        size,
        "%s, %s, %s",
        ca == NULL ? "no CA" : ca,
        is_verified != 0 ? "verified" : "not verified",
        directory == NULL ? "no directory" : directory);
}

/* Returns a handle, or NULL with the message of a program that gets none. */
static MYSQL *make_handle(struct walk_result *out)
{
    MYSQL *mysql = mysql_init(NULL);
    if (mysql == NULL) {
        (void)strcpy(out->message, "mysql_init() has returned NULL");
    }
    return mysql;
}

/* A program that connects to an RDS host gets all three options, or a reason. */
static void connect_once(struct walk_result *out)
{
    MYSQL *mysql = make_handle(out);
    if (mysql == NULL) {
        return;
    }
    connect_to(mysql, "127.0.0.1", out->token, sizeof(out->token));
    out->has_succeeded = strstr(out->token, ", verified") != NULL;
    if (!out->has_succeeded) {
        out->token[0] = '\0';
    }
    preload_walk_message(out, "");
    mysql_close(mysql);
}

/* For a second host, which is not of RDS, the options are removed. */
static void connect_twice(struct walk_result *out)
{
    char first[OUTPUT_MAX];
    MYSQL *mysql = make_handle(out);
    if (mysql == NULL) {
        return;
    }
    connect_to(mysql, "127.0.0.1", first, sizeof(first));
    connect_to(mysql, "127.0.0.2", out->token, sizeof(out->token));
    out->has_succeeded = strstr(out->token, "no CA, not verified") != NULL;
    if (!out->has_succeeded) {
        out->token[0] = '\0';
    }
    preload_walk_message(out, "");
    mysql_close(mysql);
}

/* `mariadb --print-defaults` prints the options that it has read from option files. */
static void print_defaults(struct walk_result *out)
{
    static char *const arguments[] = {"mariadb", "--print-defaults", "--host=127.0.0.1", NULL};
    char text[OUTPUT_MAX];
    (void)snprintf(text, sizeof(text), "%s/home/output", scratch_directory());
    pid_t child = fork();
    if (child == 0) {
        int fd = open(text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        (void)dup2(fd, STDOUT_FILENO);
        preload_walk_preloads(true);
        (void)execv(RIA_MARIADB, arguments);
        _exit(EXIT_FAILURE);
    }
    int status = -1;
    (void)waitpid(child, &status, 0);
    assert_true(scratch_read("home/output", text, sizeof(text)));
    const char *options = strstr(text, "--ssl");
    out->has_succeeded =
        status == 0 && options != NULL && strstr(options, "--ssl-verify-server-cert") != NULL;
    if (out->has_succeeded) {
        (void)snprintf(out->token, sizeof(out->token), "%s", options);
    }
    preload_walk_message(out, "");
    if (status != 0) {
        out->message[0] = '\0'; /* reported as a failure without a message */
    }
}

static const struct program programs[] = {
    {"the tool mariadb", print_defaults, 2},
    {"a program on libmariadb", connect_once, 0},
    {"a handle that connects to another host", connect_twice, 0},
};

static void prepare(const void *argument)
{
    (void)argument;
    preload_walk_prepare();
}

static void run(const void *argument, struct walk_result *out)
{
    const struct program *program = argument;
    program->run(out);
    /* If all later calls fail, the log cannot be written. The plugins send no token even then. */
    if (walk_fails_later_calls() && !out->has_succeeded && out->message[0] == '\0') {
        (void)strcpy(out->message, "the log cannot be written");
    }
}

static void every_call_may_fail(void **state)
{
    (void)state;
    for_each_row(program, programs, program->name) {
        const struct walk_scenario scenario = {
            .name = program->name,
            .role = RIA_FAULT_ROLE_PRELOAD,
            .argument = program,
            .prepare = prepare,
            .run = run,
            .kept_objects = program->kept_objects,
            .minimum_calls = 20,
        };
        preload_walk(&scenario);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_call_may_fail)};
    (void)argc;
    preload_walk_set_up(argv);
    take_port();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
