/* SPDX-License-Identifier: MIT
 *
 * usage: handles STEP...
 * A program that runs all steps on the same handle of libmariadb. Only the step "threads" uses
 * further handles. A step that connects prints the user or the error. The program calls the
 * functions of the library that it is linked with. If HANDLES_LIBRARY is set, the program instead
 * loads the library in that file with RTLD_LOCAL, and calls the functions that dlsym() finds there.
 *
 *   init                    mysql_init() on the memory of the handle
 *   close                   mysql_close()
 *   ca=FILE, capath=DIR     mysql_options()
 *   verify=N, enforce=N     mysql_options(); N is 0 or 1
 *   plugin-dir=DIR          mysql_options()
 *   fp=TEXT                 mysql_options(); the fingerprint of the server's certificate
 *   tcp                     MYSQL_PROTOCOL_TCP
 *   group=NAME              MYSQL_READ_DEFAULT_GROUP
 *   ssl-set=FILE            mysql_ssl_set(); an empty FILE means NULL
 *   remember                CLIENT_REMEMBER_OPTIONS for all later steps
 *   connect=HOST,PORT,USER[,PASSWORD]     mysql_real_connect()
 *   list=HOST:PORT HOST:PORT,PORT,USER    mysql_real_connect() with a list of hosts
 *   start=HOST,PORT,USER    mysql_real_connect_start() and _cont()
 *   again                   kills the connection on the server, and reconnects by mysql_ping()
 *   show                    prints the handle's CA and plugin directory, and whether the options
 *                           verify and enforce are on
 *   fork                    a child process runs the remaining steps
 *   threads=COUNT,HOST,PORT,USER    COUNT threads connect at once, each with its own handle
 */
#include <dlfcn.h>
#include <errno.h>
#include <mysql.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUNCTIONS(each)                                                                            \
    each(mysql_init) each(mysql_close) each(mysql_options) each(mysql_optionsv)                    \
        each(mysql_ssl_set) each(mysql_real_connect) each(mysql_real_connect_start)                \
            each(mysql_real_connect_cont) each(mysql_query) each(mysql_store_result)               \
                each(mysql_fetch_row) each(mysql_free_result) each(mysql_error) each(mysql_errno)  \
                    each(mysql_get_option) each(mysql_get_ssl_cipher) each(mysql_ping)             \
                        each(mysql_get_socket)

#define MEMBER(name) __typeof__(&name) name;
static struct {
    FUNCTIONS(MEMBER)
} api;

static MYSQL handle;
static unsigned long flags;

static void find_functions(const char *path)
{
    void *library = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (path != NULL && library == NULL) {
        (void)fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
#define FIND(name)                                                                                 \
    if (library != NULL) {                                                                         \
        void *found = dlsym(library, #name);                                                       \
        memcpy(&api.name, &found, sizeof(found));                                                  \
    } else {                                                                                       \
        api.name = name;                                                                           \
    }
    FUNCTIONS(FIND)
}

/* Prints "step: USER over TLS", "step: USER over no TLS", or the error. */
static void show_user(MYSQL *mysql, const char *step)
{
    MYSQL_RES *rows =
        api.mysql_query(mysql, "select current_user()") == 0 ? api.mysql_store_result(mysql) : NULL;
    MYSQL_ROW row = rows == NULL ? NULL : api.mysql_fetch_row(rows);
    const char *cipher = api.mysql_get_ssl_cipher(mysql);
    if (row == NULL) {
        (void)printf("%s: %u %s\n", step, api.mysql_errno(mysql), api.mysql_error(mysql));
    } else {
        (void)printf("%s: %s over %s\n", step, row[0], cipher == NULL ? "no TLS" : "TLS");
    }
    api.mysql_free_result(rows);
}

struct place {
    char *host;
    unsigned port;
    char *user;
    char *password;
};

/* Parses "HOST,PORT,USER,PASSWORD". Modifies `text`; the result points into it. */
static struct place parse_place(char *text)
{
    struct place place = {.host = strsep(&text, ",")};
    char *port = strsep(&text, ",");
    place.port = port == NULL ? 0 : (unsigned)strtoul(port, NULL, 10);
    place.user = strsep(&text, ",");
    place.password = strsep(&text, ",");
    return place;
}

static const char *or_null(const char *text)
{
    return text == NULL || *text == '\0' ? NULL : text;
}

static void connect_to(MYSQL *mysql, const char *step, char *text)
{
    struct place to = parse_place(text);
    bool is_list = strcmp(step, "list") == 0;
    for (char *space = to.host; is_list && (space = strchr(space, ' ')) != NULL; space++) {
        *space = ',';
    }
    if (api.mysql_real_connect(
            mysql, or_null(to.host), to.user, to.password, NULL, to.port, NULL, flags) == NULL) {
        (void)printf("%s: %u %s\n", step, api.mysql_errno(mysql), api.mysql_error(mysql));
        return;
    }
    show_user(mysql, step);
}

static int wait_for(int events)
{
    struct pollfd socket = {
        .fd = api.mysql_get_socket(&handle),
        .events =
            (short)(((events & MYSQL_WAIT_READ) != 0 ? POLLIN : 0) | ((events & MYSQL_WAIT_WRITE) != 0 ? POLLOUT : 0))};
    (void)poll(&socket, 1, 10000);
    return ((socket.revents & POLLIN) != 0 ? MYSQL_WAIT_READ : 0) |
           ((socket.revents & POLLOUT) != 0 ? MYSQL_WAIT_WRITE : 0) |
           (socket.revents == 0 ? MYSQL_WAIT_TIMEOUT : 0);
}

static void start_to(char *text)
{
    struct place to = parse_place(text);
    MYSQL *result = NULL;
    (void)api.mysql_options(&handle, (enum mysql_option)MYSQL_OPT_NONBLOCK, NULL);
    int events = api.mysql_real_connect_start(
        &result, &handle, to.host, to.user, to.password, NULL, to.port, NULL, flags);
    while (events != 0) {
        events = api.mysql_real_connect_cont(&result, &handle, wait_for(events));
    }
    if (result == NULL) {
        (void)printf("start: %u %s\n", api.mysql_errno(&handle), api.mysql_error(&handle));
        return;
    }
    show_user(&handle, "start");
}

static void connect_again(void)
{
    const char on = 1;
    (void)api.mysql_options(&handle, MYSQL_OPT_RECONNECT, &on);
    (void)api.mysql_query(&handle, "kill connection_id()");
    for (int i = 0; i < 10 && api.mysql_ping(&handle) != 0; i++) {
    }
    show_user(&handle, "again");
}

static void show_options(void)
{
    const char *ca = NULL;
    const char *directory = NULL;
    char verify = 0;
    char enforce = 0;
    (void)api.mysql_get_option(&handle, MYSQL_OPT_SSL_CA, &ca);
    (void)api.mysql_get_option(&handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
    (void)api.mysql_get_option(&handle, MYSQL_OPT_SSL_ENFORCE, &enforce);
    (void)api.mysql_get_option(&handle, MYSQL_PLUGIN_DIR, &directory);
    (void)printf(
        "show: ca=%s verify=%d enforce=%d plugin-dir=%s\n",
        ca == NULL ? "-" : ca,
        verify,
        enforce,
        directory == NULL ? "-" : directory);
}

static pthread_barrier_t barrier;

static void *connect_on_thread(void *argument)
{
    MYSQL *mysql = api.mysql_init(NULL);
    char *text = strdup(argument);
    (void)pthread_barrier_wait(&barrier);
    connect_to(mysql, "connect", text);
    api.mysql_close(mysql);
    free(text);
    return NULL;
}

/* Resolves the host once. The lab's libnss_wrapper reads its hosts file at the first lookup of a
 * process, and crashes if two threads make that lookup at the same time. */
static void resolve_host(const char *text)
{
    char *host = strndup(text, strcspn(text, ","));
    struct addrinfo *found = NULL;
    if (host != NULL && getaddrinfo(host, NULL, NULL, &found) == 0) {
        freeaddrinfo(found);
    }
    free(host);
}

static void connect_on_threads(char *text)
{
    enum {
        MOST = 100
    };
    pthread_t threads[MOST];
    unsigned count = (unsigned)strtoul(strsep(&text, ","), NULL, 10);
    resolve_host(text);
    (void)pthread_barrier_init(&barrier, NULL, count);
    for (unsigned i = 0; i < count && i < MOST; i++) {
        (void)pthread_create(&threads[i], NULL, connect_on_thread, text);
    }
    for (unsigned i = 0; i < count && i < MOST; i++) {
        (void)pthread_join(threads[i], NULL);
    }
}

static void set_byte(enum mysql_option option, const char *value)
{
    const char byte = *value == '1';
    (void)api.mysql_optionsv(&handle, option, &byte);
}

static void do_step(char *step)
{
    char *value = strchr(step, '=');
    unsigned tcp = MYSQL_PROTOCOL_TCP;
    if (value != NULL) {
        *value++ = '\0';
    }
#define IS(name) (strcmp(step, name) == 0)
    if (IS("init")) {
        (void)api.mysql_init(&handle);
    } else if (IS("close")) {
        api.mysql_close(&handle);
    } else if (IS("fp")) {
        (void)api.mysql_optionsv(&handle, MARIADB_OPT_SSL_FP, value);
    } else if (IS("ca")) {
        (void)api.mysql_options(&handle, MYSQL_OPT_SSL_CA, value);
    } else if (IS("capath")) {
        (void)api.mysql_optionsv(&handle, MYSQL_OPT_SSL_CAPATH, value);
    } else if (IS("verify")) {
        set_byte(MYSQL_OPT_SSL_VERIFY_SERVER_CERT, value);
    } else if (IS("enforce")) {
        set_byte(MYSQL_OPT_SSL_ENFORCE, value);
    } else if (IS("plugin-dir")) {
        (void)api.mysql_options(&handle, MYSQL_PLUGIN_DIR, value);
    } else if (IS("tcp")) {
        (void)api.mysql_options(&handle, MYSQL_OPT_PROTOCOL, &tcp);
    } else if (IS("group")) {
        (void)api.mysql_options(&handle, MYSQL_READ_DEFAULT_GROUP, value);
    } else if (IS("ssl-set")) {
        (void)api.mysql_ssl_set(&handle, NULL, NULL, or_null(value), NULL, NULL);
    } else if (IS("remember")) {
        flags = CLIENT_REMEMBER_OPTIONS;
    } else if (IS("connect") || IS("list")) {
        connect_to(&handle, step, value);
    } else if (IS("start")) {
        start_to(value);
    } else if (IS("again")) {
        connect_again();
    } else if (IS("show")) {
        show_options();
    } else if (IS("threads")) {
        connect_on_threads(value);
    } else if (IS("fork")) {
        (void)fflush(stdout);
        if (fork() != 0) {
            (void)wait(NULL);
            _exit(0);
        }
    } else {
        (void)fprintf(stderr, "no step: %s\n", step);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    find_functions(getenv("HANDLES_LIBRARY"));
    for (int i = 1; i < argc; i++) {
        do_step(argv[i]);
    }
    return 0;
}
