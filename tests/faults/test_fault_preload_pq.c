/* SPDX-License-Identifier: MIT
 *
 * A program on the distribution's libpq under the preload. In each run, another call of the preload
 * or of its token module fails (walk.h). Calls of libpq itself do not fail. PQpass() shows which
 * token a connection would send. A peer on loopback, which asks for a password in clear text, shows
 * that no token reaches a server that is not verified.
 */
#include "preload_walk.h"
#include "scratch.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK "X-Amz-Signature="
#define DIGITS "0123456789abcdef"
/* A token of another identity. In a passfile, a backslash precedes the colon. */
#define OTHER_KEY "AKIDOTHER"
#define OTHER_TOKEN(colon, time)                                                                   \
    PRELOAD_HOST colon                                                                             \
        "5432/"                                                                                    \
        "?Action=connect&DBUser=etl&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" OTHER_KEY  \
        "%2F20260822%2Fus-east-1%2Frds-db%2Faws4_request&X-Amz-Date=20260822T" time                \
        "Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&" MARK DIGITS DIGITS DIGITS DIGITS
#define VALID_TOKEN OTHER_TOKEN(":", "123400")
#define EXPIRED_TOKEN OTHER_TOKEN(":", "110000")
#define PASSFILE "*:*:*:etl:" OTHER_TOKEN("\\:", "123400") "\n"

enum {
    SETTINGS_SIZE = 4096,
    TEXT_MAX = 4096,
    SSL_REQUEST = 80877103,
    GSS_REQUEST = 80877104,
};

/* What a program does, and with which settings. */
struct program {
    const char *name;
    void (*run)(const struct program *program, struct walk_result *out);
    const char *settings;
    const char *own_passfile; /* the contents of the user's passfile; NULL: none */
    bool is_silent;           /* the preload withholds the given token and logs nothing (ping.c) */
};

static unsigned port;
static uint64_t *received; /* tokens that the peer has received */

/* -- the peer ------------------------------------------------------------------------------- */

static bool receive(int fd, void *out, size_t len)
{
    return len == 0 || recv(fd, out, len, MSG_WAITALL) == (ssize_t)len;
}

static uint32_t number_at(const char *bytes)
{
    uint32_t number;
    memcpy(&number, bytes, sizeof(number));
    return ntohl(number);
}

/* Refuses TLS and Kerberos, and reads the startup packet. */
static bool receive_startup(int fd)
{
    char bytes[TEXT_MAX];
    uint32_t kind;
    do {
        if (!receive(fd, bytes, 8)) {
            return false;
        }
        kind = number_at(bytes + 4);
    } while ((kind == SSL_REQUEST || kind == GSS_REQUEST) && send(fd, "N", 1, 0) == 1);
    size_t len = number_at(bytes) - 8;
    return len < sizeof(bytes) && receive(fd, bytes, len);
}

/* Asks for the password, counts it if it is a token, and refuses the login. */
static void converse(int fd)
{
    static const char wants_password[] = {'R', 0, 0, 0, 8, 0, 0, 0, 3};
    static const char refusal[] = "E\0\0\0\x1fSFATAL\0C28000\0Mno, thanks\0";
    char bytes[TEXT_MAX] = "";
    if (!receive_startup(fd) ||
        send(fd, wants_password, sizeof(wants_password), 0) != sizeof(wants_password) ||
        !receive(fd, bytes, 5)) {
        return;
    }
    size_t len = number_at(bytes + 1) - 4;
    if (len < sizeof(bytes) && receive(fd, bytes, len) && memmem(bytes, len, MARK, strlen(MARK))) {
        (void)__atomic_add_fetch(received, 1, __ATOMIC_SEQ_CST);
    }
    (void)send(fd, refusal, sizeof(refusal), 0);
}

static void serve(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    received =
        mmap(NULL, sizeof(*received), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(received, MAP_FAILED);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 64), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    port = ntohs(address.sin_port);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGPIPE, SIG_IGN);
        for (;;) {
            int fd = accept(listener, NULL, NULL);
            converse(fd);
            (void)close(fd);
        }
    }
    (void)close(listener);
}

/* -- the programs --------------------------------------------------------------------------- */

static const char *settings_of(const struct program *program)
{
    static char text[SETTINGS_SIZE];
    (void)snprintf(
        text,
        sizeof(text),
        "host=" PRELOAD_HOST " hostaddr=127.0.0.1 port=%u user=etl dbname=shop %s",
        port,
        program->settings);
    return text;
}

static bool has_value(PGconn *conn, const char *keyword, const char *value)
{
    bool is_found = false;
    PQconninfoOption *options = PQconninfo(conn);
    for (PQconninfoOption *at = options; at != NULL && at->keyword != NULL; at++) {
        is_found = is_found || (strcmp(at->keyword, keyword) == 0 && at->val != NULL &&
                                strcmp(at->val, value) == 0);
    }
    PQconninfoFree(options);
    return is_found;
}

/* Begins a connection. It would send what PQpass() returns. If no fresh token can be made, the
 * connection may send the token of the program or of its passfile, but only to a verified server.
 */
static void begin(const struct program *program, struct walk_result *out)
{
    PGconn *conn = PQconnectStart(settings_of(program));
    const char *password = PQpass(conn);
    const char *more = PQerrorMessage(conn);
    bool is_verified =
        has_value(conn, "sslmode", "verify-full") && !has_value(conn, "gssencmode", "prefer");
    bool is_begun = PQstatus(conn) != CONNECTION_BAD;
    if (is_begun && password != NULL && strstr(password, MARK) != NULL) {
        (void)snprintf(out->token, sizeof(out->token), "%s", password);
    }
    if (is_verified && strstr(out->token, OTHER_KEY) != NULL) {
        out->token[0] = '\0';
        more = "no fresh token";
    }
    /* The run has failed if the server was not verified. If such a run sent a token, the walk
     * reports a finding. */
    out->has_succeeded = is_verified && out->token[0] != '\0';
    preload_walk_message(out, more);
    PQfinish(conn);
}

/* Stores the result of a program that must not send a token. `more` is added to the message. */
static void report_withheld(
    const struct program *program, uint64_t before, const char *more, struct walk_result *out)
{
    bool is_sent = __atomic_load_n(received, __ATOMIC_SEQ_CST) != before;
    (void)strcpy(out->token, is_sent ? "a token" : "");
    preload_walk_message(out, more);
    out->has_succeeded = !is_sent && (program->is_silent || out->message[0] != '\0');
}

/* Returns whether the failed call is one that writes the log; then the reason cannot be logged. */
static bool is_of_the_log(void)
{
    static const char *const calls[] = {
        "syscall(SYS_openat)", "fstat64", "syscall(SYS_write)", NULL};
    size_t i = 0;
    while (calls[i] != NULL && strcmp(calls[i], walk_failed_call()) != 0) {
        i++;
    }
    return calls[i] != NULL;
}

/* Connects to the peer, which must not receive a token. */
static void connect_in_clear(const struct program *program, struct walk_result *out)
{
    uint64_t before = __atomic_load_n(received, __ATOMIC_SEQ_CST);
    PGconn *conn = PQconnectdb(settings_of(program));
    const char *error = PQerrorMessage(conn);
    bool is_peers = strstr(error, "no, thanks") != NULL || strstr(error, "no password") != NULL;
    const char *more = !is_peers ? error : is_of_the_log() ? "the log cannot be written" : "";
    report_withheld(program, before, more, out);
    PQfinish(conn);
}

/* A ping has no message, only a result. */
static void ping(const struct program *program, struct walk_result *out)
{
    uint64_t before = __atomic_load_n(received, __ATOMIC_SEQ_CST);
    PGPing result = PQping(settings_of(program));
    report_withheld(program, before, result == PQPING_OK ? "" : "no response", out);
}

/* Reads a passfile of the agent without libpq, as drivers in other languages do. The preload
 * makes the contents, whether or not the file exists. */
static void read_passfile(const struct program *program, struct walk_result *out)
{
    char path[TEXT_MAX];
    (void)program;
    (void)snprintf(path, sizeof(path), "%s/home/rds-iam/run/prod", scratch_directory());
    FILE *stream = fopen(path, "re");
    int error = errno;
    size_t len = stream == NULL ? 0 : fread(out->token, 1, sizeof(out->token) - 1, stream);
    out->token[len] = '\0';
    out->has_succeeded = strstr(out->token, MARK) != NULL;
    preload_walk_message(out, stream == NULL && error != ENOENT ? strerror(error) : "");
    if (stream != NULL) {
        (void)fclose(stream);
    }
}

/* -- a reset -------------------------------------------------------------------------------- */

static PGconn *kept; /* begun before the run; stores a token that has expired */

/* Begins a connection, and changes the date of the token in the connection's own memory, so that
 * the token has expired. */
static void keep_connection(const struct program *program)
{
    static const char date[] = "X-Amz-Date=";
    PQfinish(kept);
    kept = PQconnectStart(settings_of(program));
    char *at = strstr(PQpass(kept), date);
    assert_non_null(at);
    memcpy(at + strlen(date), "20260822T110000Z", strlen("20260822T110000Z"));
}

/* Resets the connection. If no fresh token can be made, the reset sends the old one again, to the
 * server that this connection has verified before. */
static void reset(const struct program *program, struct walk_result *out)
{
    (void)program;
    int is_begun = PQresetStart(kept);
    const char *password = PQpass(kept);
    out->has_succeeded = strstr(password, "X-Amz-Date=20260822T123456Z") != NULL;
    (void)snprintf(out->token, sizeof(out->token), "%s", out->has_succeeded ? password : "");
    preload_walk_message(out, is_begun == 1 ? "" : "PQresetStart() has failed");
}

/* -- the walks ------------------------------------------------------------------------------ */

#define VERIFIED "sslmode=verify-full sslrootcert=/nonexistent/ca.pem"

static const struct program programs[] = {
    {"a login", begin, VERIFIED, NULL, false},
    {"a login without sslmode", begin, "", NULL, false},
    {"a login by a service", begin, "service=prod", NULL, false},
    {"an expired token", begin, VERIFIED " password='" EXPIRED_TOKEN "'", NULL, false},
    {"a token in the passfile", begin, VERIFIED, PASSFILE, false},
    {"a reader without libpq", read_passfile, "", NULL, false},
    {"a given token without TLS",
     connect_in_clear,
     "sslmode=disable password='" VALID_TOKEN "'",
     NULL,
     false},
    {"a token in the passfile without TLS", connect_in_clear, "sslmode=disable", PASSFILE, false},
    {"a ping", ping, "sslmode=disable password='" VALID_TOKEN "'", NULL, true},
    /* last, because it loads the token module into the test's own process */
    {"a reset", reset, VERIFIED, NULL, false},
};

static void prepare(const void *argument)
{
    const struct program *program = argument;
    char text[TEXT_MAX];
    preload_walk_prepare();
    (void)snprintf(
        text,
        sizeof(text),
        "[prod]\nhost=" PRELOAD_HOST "\nport=5432\nuser=etl\nsslmode=verify-full\n"
        "sslrootcert=%s/home/ca.pem\npassfile=%s/home/rds-iam/run/prod\n",
        scratch_directory(),
        scratch_directory());
    scratch_write("home/.pg_service.conf", text);
    if (program->own_passfile != NULL) {
        scratch_write("home/.pgpass", program->own_passfile);
    }
    if (program->run == reset) {
        keep_connection(program);
    }
}

static void run(const void *argument, struct walk_result *out)
{
    const struct program *program = argument;
    program->run(program, out);
    /* If all later calls fail, the log cannot be written. No token is sent even then. */
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
            /* The first reset may have wiped the token, and a second one has nothing to renew. */
            .may_not_recover = program->run == reset,
            .minimum_calls = program->run == ping ? 5 : 20,
        };
        preload_walk(&scenario);
    }
}

/* The program psql inherits no LD_PRELOAD (preload_walk_set_up()). */
static void control_without_the_preload_the_peer_gets_the_token(void **state)
{
    (void)state;
    static const struct program clear = {
        .settings = "connect_timeout=30 sslmode=disable password='" VALID_TOKEN "'"};
    uint64_t before = __atomic_load_n(received, __ATOMIC_SEQ_CST);
    const char *settings = settings_of(&clear);
    int status = -1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)dup2(fd, STDERR_FILENO);
        (void)execl(RIA_PSQL, "psql", "-X", settings, (char *)NULL);
        _exit(EXIT_FAILURE);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(__atomic_load_n(received, __ATOMIC_SEQ_CST), before + 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_without_the_preload_the_peer_gets_the_token),
        cmocka_unit_test(every_call_may_fail),
    };
    (void)argc;
    preload_walk_set_up(argv);
    serve();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
