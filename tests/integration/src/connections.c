/* SPDX-License-Identifier: MIT
 *
 * A program with many or long connections, on libmariadb. It reads the user's option file; some
 * commands set a password or another option, too. Each step prints a line: the user that the server
 * reports, or the error. The comment of each function that runs a command describes the command.
 *
 *   connections COMMAND HOST PORT USER [ARGUMENT...]
 */
#include <mysql.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    THREADS_MAX = 200
};

struct place {
    const char *host;
    unsigned port;
    const char *user;
    char **arguments; /* of the command; terminated by NULL */
};

/* Returns a handle with the options of the user's ~/.my.cnf. */
static MYSQL *new_handle(void)
{
    MYSQL *mysql = mysql_init(NULL);
    if (mysql == NULL || mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP, "connections") != 0) {
        (void)fprintf(stderr, "no handle\n");
        exit(2);
    }
    return mysql;
}

static bool show_error(MYSQL *mysql, const char *step)
{
    (void)printf("%s: %u %s\n", step, mysql_errno(mysql), mysql_error(mysql));
    return false;
}

/* Prints "step: user@host", or the error. */
static bool show_user(MYSQL *mysql, const char *step)
{
    MYSQL_RES *result = NULL;
    if (mysql_query(mysql, "select current_user()") == 0) {
        result = mysql_store_result(mysql);
    }
    MYSQL_ROW row = result == NULL ? NULL : mysql_fetch_row(result);
    bool ok = row != NULL;
    if (ok) {
        (void)printf("%s: %s\n", step, row[0]);
    } else {
        show_error(mysql, step);
    }
    mysql_free_result(result);
    return ok;
}

static bool connect_to(MYSQL *mysql, const struct place *place)
{
    return mysql_real_connect(mysql, place->host, place->user, NULL, NULL, place->port, NULL, 0) !=
           NULL;
}

static bool connect_and_show(MYSQL *mysql, const struct place *place, const char *step)
{
    return connect_to(mysql, place) ? show_user(mysql, step) : show_error(mysql, step);
}

/* change-user ... USER PASSWORD [USER PASSWORD]...: changes the user of one connection, several
 * times. */
static bool change_user(const struct place *place)
{
    MYSQL *mysql = new_handle();
    bool ok = connect_and_show(mysql, place, "connect");
    for (char **next = place->arguments; ok && next[0] != NULL && next[1] != NULL; next += 2) {
        ok = mysql_change_user(mysql, next[0], next[1], NULL) == 0 ? show_user(mysql, "change")
                                                                   : show_error(mysql, "change");
    }
    ok = ok && mysql_reset_connection(mysql) == 0 && show_user(mysql, "reset");
    mysql_close(mysql);
    return ok;
}

/* tls-later ... USER PASSWORD CA VERIFY: changes the TLS options after the connection is open, when
 * they have no effect on it, and then changes the user of the connection. */
static bool tls_later(const struct place *place)
{
    char **arguments = place->arguments;
    MYSQL *mysql = new_handle();
    my_bool verifies = arguments[3][0] == '1' ? 1 : 0;
    bool ok =
        mysql_real_connect(
            mysql, place->host, arguments[0], arguments[1], NULL, place->port, NULL, 0) != NULL
            ? show_user(mysql, "connect")
            : show_error(mysql, "connect");
    if (ok) {
        mysql_options(mysql, MYSQL_OPT_SSL_CA, arguments[2]);
        mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verifies);
        ok = mysql_change_user(mysql, place->user, "", NULL) == 0 ? show_user(mysql, "change")
                                                                  : show_error(mysql, "change");
    }
    mysql_close(mysql);
    return ok;
}

/* Makes the server close the connection, and waits until it is closed. The library does not notice.
 */
static void be_dropped(MYSQL *mysql)
{
    struct pollfd closed = {.fd = mysql_get_socket(mysql), .events = POLLRDHUP};
    (void)mysql_query(mysql, "kill connection_id()");
    if (poll(&closed, 1, 30000) != 1) {
        (void)fprintf(stderr, "the server did not hang up\n");
        exit(2);
    }
}

/* reconnect ... [NAME VALUE]: the server closes the connection, the program changes the
 * environment, and the library reconnects. */
static bool reconnect(const struct place *place)
{
    MYSQL *mysql = new_handle();
    my_bool yes = 1;
    mysql_options(mysql, MYSQL_OPT_RECONNECT, &yes);
    bool ok = connect_and_show(mysql, place, "connect");
    if (ok) {
        be_dropped(mysql);
        if (place->arguments[0] != NULL && place->arguments[1] != NULL) {
            (void)setenv(place->arguments[0], place->arguments[1], 1);
        }
        ok =
            mysql_ping(mysql) == 0 ? show_user(mysql, "reconnect") : show_error(mysql, "reconnect");
    }
    mysql_close(mysql);
    return ok;
}

static int wait_for(MYSQL *mysql, int events)
{
    struct pollfd descriptor = {
        .fd = mysql_get_socket(mysql),
        .events =
            (short)((events & MYSQL_WAIT_READ ? POLLIN : 0) | (events & MYSQL_WAIT_WRITE ? POLLOUT : 0)),
    };
    if (poll(&descriptor, 1, events & MYSQL_WAIT_TIMEOUT ? 30000 : -1) <= 0) {
        return MYSQL_WAIT_TIMEOUT;
    }
    return (descriptor.revents & ~POLLOUT ? MYSQL_WAIT_READ : 0) |
           (descriptor.revents & POLLOUT ? MYSQL_WAIT_WRITE : 0);
}

/* Waits until a step of the nonblocking interface is complete. Stores its result in *result. */
#define FINISH(mysql, result, events, step)                                                        \
    while ((events) != 0) {                                                                        \
        (events) = step##_cont(result, mysql, wait_for(mysql, events));                            \
    }

/* nonblocking ... STACK_BYTES: the plugin runs in a coroutine on a stack of that size, for the
 * first login, a change of user and a reconnect. */
static bool nonblocking(const struct place *place)
{
    MYSQL *mysql = new_handle();
    my_bool yes = 1;
    size_t stack = place->arguments[0] == NULL ? 0 : strtoul(place->arguments[0], NULL, 10);
    mysql_options(mysql, MYSQL_OPT_NONBLOCK, &stack);
    mysql_options(mysql, MYSQL_OPT_RECONNECT, &yes);
    MYSQL *connected = NULL;
    int events = mysql_real_connect_start(
        &connected, mysql, place->host, place->user, NULL, NULL, place->port, NULL, 0);
    (void)printf("waited: %s\n", events != 0 ? "yes" : "no");
    FINISH(mysql, &connected, events, mysql_real_connect)
    bool ok = connected != NULL ? show_user(mysql, "connect") : show_error(mysql, "connect");
    if (ok) {
        my_bool failed = 1;
        events = mysql_change_user_start(&failed, mysql, place->user, "", NULL);
        FINISH(mysql, &failed, events, mysql_change_user)
        ok = failed == 0 ? show_user(mysql, "change") : show_error(mysql, "change");
    }
    if (ok) {
        int failed = 1;
        be_dropped(mysql);
        events = mysql_ping_start(&failed, mysql);
        FINISH(mysql, &failed, events, mysql_ping)
        ok = failed == 0 ? show_user(mysql, "reconnect") : show_error(mysql, "reconnect");
    }
    mysql_close(mysql);
    return ok;
}

/* reuse ...: closes a handle and opens it again; opens it once more after mysql_library_end(),
 * which unloads the plugins; then a child process connects too. */
static bool reuse(const struct place *place)
{
    MYSQL handle;
    bool ok = true;
    for (int i = 0; ok && i < 3; i++) {
        if (i == 2) {
            mysql_library_end();
            (void)mysql_library_init(0, NULL, NULL);
        }
        (void)mysql_init(&handle);
        mysql_options(&handle, MYSQL_READ_DEFAULT_GROUP, "connections");
        ok = connect_and_show(&handle, place, "connect");
        mysql_close(&handle);
    }
    (void)fflush(stdout);
    pid_t child = ok ? fork() : -1;
    if (child == 0) {
        MYSQL *mysql = new_handle();
        ok = connect_and_show(mysql, place, "child");
        mysql_close(mysql);
        (void)fflush(stdout);
        _exit(ok ? 0 : 1);
    }
    int status = 1;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* version ...: prints the version of the library; does not connect. */
static bool version(const struct place *place)
{
    (void)place;
    return printf("version: %s\n", mysql_get_client_info()) > 0;
}

struct crowd {
    const struct place *place;
    pthread_barrier_t barrier;
};

static void *one_of_many(void *argument)
{
    struct crowd *crowd = argument;
    (void)mysql_thread_init();
    MYSQL *mysql = new_handle();
    (void)pthread_barrier_wait(&crowd->barrier);
    bool ok = connect_and_show(mysql, crowd->place, "thread");
    mysql_close(mysql);
    mysql_thread_end();
    return ok ? argument : NULL;
}

/* threads ... COUNT [cold]: COUNT threads connect at the same time. Before them, the main thread
 * connects once, unless "cold" is given. */
static bool threads(const struct place *place)
{
    pthread_t thread[THREADS_MAX];
    unsigned long count = place->arguments[0] == NULL ? 1 : strtoul(place->arguments[0], NULL, 10);
    if (count == 0 || count > THREADS_MAX) {
        (void)fprintf(stderr, "1 to %d threads\n", THREADS_MAX);
        return false;
    }
    bool ok = true;
    struct addrinfo *unused = NULL;
    if (place->arguments[1] == NULL) {
        MYSQL *mysql = new_handle();
        ok = connect_and_show(mysql, place, "connect");
        mysql_close(mysql);
    } else if (getaddrinfo(place->host, NULL, NULL, &unused) == 0) {
        /* libnss_wrapper is not thread-safe at its first lookup. */
        freeaddrinfo(unused);
    }
    struct crowd crowd = {.place = place};
    (void)pthread_barrier_init(&crowd.barrier, NULL, (unsigned)count);
    for (size_t i = 0; i < count; i++) {
        if (pthread_create(&thread[i], NULL, one_of_many, &crowd) != 0) {
            (void)fprintf(stderr, "no thread\n");
            exit(2);
        }
    }
    for (size_t i = 0; i < count; i++) {
        void *result = NULL;
        (void)pthread_join(thread[i], &result);
        ok = ok && result != NULL;
    }
    (void)pthread_barrier_destroy(&crowd.barrier);
    return ok;
}

static const struct {
    const char *name;
    bool (*run)(const struct place *place);
} commands[] = {
    {"change-user", change_user},
    {"tls-later", tls_later},
    {"reconnect", reconnect},
    {"nonblocking", nonblocking},
    {"reuse", reuse},
    {"threads", threads},
    {"version", version},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc >= 5 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            struct place place = {
                .host = argv[2],
                .port = (unsigned)strtoul(argv[3], NULL, 10),
                .user = argv[4],
                .arguments = argv + 5,
            };
            (void)signal(
                SIGPIPE,
                SIG_IGN); /* a broken connection is an error and must not kill the program */
            (void)mysql_library_init(0, NULL, NULL);
            bool ok = commands[i].run(&place);
            mysql_library_end();
            return ok ? 0 : 1;
        }
    }
    (void)fprintf(stderr, "usage: connections COMMAND HOST PORT USER [ARGUMENT...]\n");
    return 2;
}
