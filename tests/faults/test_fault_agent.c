/* SPDX-License-Identifier: MIT
 *
 * Runs rds-iam-agent many times; in each run, another of its calls fails (walk.h). The program
 * under test is fault-agent: with --once, with --status (which asks an agent that is not a fault
 * object), or as the agent itself. In the last case, the agent starts, a client opens a passfile, a
 * signal makes the agent renew its tokens, a client asks for the status, and the agent ends. What
 * the program under test writes to stdout and stderr counts as the message of the run.
 */
#include "scratch.h"
#include "unit.h"
#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HOST "mydb.abc123def456.us-east-1.rds.amazonaws.com"
#define SECRET "wJalrXUtnFEMI-canary-of-the-secret-key"
#define SESSION "IQoJb3JpZ2luX2VjEHsa-canary-of-the-session-token"

enum {
    NOW = 1787402096, /* 2026-08-22T12:34:56Z */
    PATH_SIZE = 512,
    LOG_SIZE = 64 * 1024,
    SERVE_MS = 25000, /* longer than the pause of up to 10 s before the supervisor replaces a worker
                         that could not start */
    END_MS = 10000,
    RUN_SECONDS = 100, /* more than all waits of a run together */
    PAUSE_MS = 10
};

static const struct scratch_route routes[] = {
    {"GET /container ",
     "{\"AccessKeyId\": \"ASIAEXAMPLE\", \"SecretAccessKey\": \"" SECRET "\", \"Token\": \"" SESSION
     "\", \"Expiration\": \"2026-08-22T18:34:56Z\"}",
     "application/json",
     NULL},
};

struct scene {
    const char *name;
    const char *argument; /* the argument of this program that selects the scene */
    bool is_once;         /* --once */
    bool has_container;   /* the credentials come from rds-iam-fetch */
    bool asks_status;     /* the process under test is --status; the agent is not a fault object */
    uint32_t minimum_calls;
};

static char passfile[PATH_SIZE];
static char log_path[PATH_SIZE];
static char directory[PATH_SIZE];
static char uri[PATH_SIZE];

static bool read_file(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, out, size - 1);
    (void)close(fd);
    out[len < 0 ? 0 : len] = '\0';
    return len > 0;
}

static void prepare(const void *argument)
{
    char service[2 * PATH_SIZE];
    const struct scene *scene = argument;
    scratch_clear("home");
    scratch_clear("run");
    (void)snprintf(
        service,
        sizeof(service),
        "[prod]\nhost=" HOST "\nport=5432\nuser=etl\ndbname=shop\nsslmode=verify-full\n"
        "sslrootcert=%s/home/ca.pem\npassfile=%s\n",
        scratch_directory(),
        passfile);
    scratch_write("home/ca.pem", "");
    scratch_write("home/.pg_service.conf", service);
    if (!scene->has_container) {
        scratch_write(
            "home/.aws/credentials",
            "[default]\naws_access_key_id = ASIAEXAMPLE\naws_secret_access_key = " SECRET
            "\naws_session_token = " SESSION "\n");
    }
    assert_int_equal(setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri, 1), 0);
    if (!scene->has_container) {
        assert_int_equal(unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"), 0);
    }
}

/* Starts a program of the agent, with `log` as its stdout and stderr. The kernel kills the program
 * when this thread ends, also if a signal ends the walk. */
static pid_t start(const char *program, const char *option, const char *log)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
            _exit(EXIT_FAILURE);
        }
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        (void)dup2(fd, STDOUT_FILENO);
        (void)dup2(fd, STDERR_FILENO);
        (void)execl(program, "rds-iam-agent", option, "--directory", directory, (char *)NULL);
        _exit(EXIT_FAILURE);
    }
    return child;
}

static void pause_shortly(void)
{
    const struct timespec interval = {.tv_nsec = PAUSE_MS * 1000000L};
    (void)nanosleep(&interval, NULL);
}

/* Waits for the end of a child. Returns its exit status, or -1 if it was killed. */
static int await_end(pid_t child, int limit_ms)
{
    int status = -1;
    int fd = (int)syscall(SYS_pidfd_open, child, 0);
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    if (poll(&watched, 1, limit_ms) != 1) {
        (void)kill(child, SIGKILL);
        (void)waitpid(child, &status, 0);
        (void)close(fd);
        return -1;
    }
    (void)close(fd);
    (void)waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool has_ended(pid_t child)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

/* Copies the end of a log. */
static void copy_log(const char *path, struct walk_result *out)
{
    static char text[LOG_SIZE];
    (void)read_file(path, text, sizeof(text));
    size_t len = strlen(text);
    size_t skipped = len >= sizeof(out->message) ? len - sizeof(out->message) + 1 : 0;
    memcpy(out->message, text + skipped, len - skipped + 1);
}

/* If all later calls fail, the log cannot be written. Then only the exit status shows the
 * failure. */
static void describe_unwritten(int status, struct walk_result *out)
{
    if (walk_fails_later_calls() && status > 0 && out->message[0] == '\0') {
        (void)snprintf(out->message, sizeof(out->message), "status %d", status);
    }
}

/* The agent may serve a token and fail later. The walk must not count this token as one that was
 * sent after a failure, but the token must be correct. */
static void keep_earlier_token(struct walk_result *out)
{
    if (!out->has_succeeded) {
        memcpy(out->earlier, out->token, sizeof(out->earlier));
        out->token[0] = '\0';
    }
}

/* Opens the passfile until it contains the token, or the agent has ended. */
static bool read_token(pid_t agent, struct walk_result *out)
{
    for (int waited = 0; waited < SERVE_MS && !has_ended(agent); waited += PAUSE_MS) {
        if (read_file(passfile, out->token, sizeof(out->token))) {
            return true;
        }
        pause_shortly();
    }
    return false;
}

static void run_once(struct walk_result *out)
{
    int status = await_end(start(RIA_FAULT_AGENT, "--once", log_path), SERVE_MS);
    (void)read_file(passfile, out->token, sizeof(out->token));
    out->has_succeeded = status == 0;
    copy_log(log_path, out);
    describe_unwritten(status, out);
    keep_earlier_token(out);
}

static void run_status(struct walk_result *out)
{
    char path[PATH_SIZE + 8];
    (void)snprintf(path, sizeof(path), "%s.status", log_path);
    (void)unlink(path);
    pid_t agent = start(RIA_AGENT, "--foreground", log_path);
    bool is_serving = read_token(agent, out);
    out->token[0] = '\0'; /* not compared: the clock of this agent does not stand still */
    int status = await_end(start(RIA_FAULT_AGENT, "--status", path), SERVE_MS);
    (void)kill(agent, SIGTERM);
    (void)await_end(agent, END_MS);
    copy_log(path, out);
    describe_unwritten(status, out);
    bool is_complete = strstr(out->message, "[prod] etl at " HOST ":5432  ok") != NULL;
    out->has_succeeded = is_serving && status == 0 && is_complete;
    if (status == 0 && !is_complete) {
        out->message[0] = '\0'; /* reported as a failure without a message */
    }
    keep_earlier_token(out);
}

static void run_agent(struct walk_result *out)
{
    pid_t agent = start(RIA_FAULT_AGENT, "--foreground", log_path);
    bool is_serving = read_token(agent, out);
    char path[PATH_SIZE + 8];
    (void)snprintf(path, sizeof(path), "%s.status", log_path);
    if (is_serving) {
        (void)kill(agent, SIGHUP);
        (void)await_end(start(RIA_AGENT, "--status", path), SERVE_MS);
        out->token[0] = '\0';
        is_serving = read_token(agent, out);
    }
    (void)kill(agent, SIGTERM);
    int status = await_end(agent, END_MS);
    out->has_succeeded = is_serving && status == 0;
    copy_log(log_path, out);
    if (status == -1) {
        out->message[0] = '\0'; /* reported as a failure without a message */
    }
    describe_unwritten(status, out);
    keep_earlier_token(out);
}

static void run(const void *argument, struct walk_result *out)
{
    const struct scene *scene = argument;
    if (scene->is_once) {
        run_once(out);
    } else if (scene->asks_status) {
        run_status(out);
    } else {
        run_agent(out);
    }
}

/* After the end of an agent, the passfile is empty or removed. After --once, it stays. It may also
 * stay if all later calls fail, because the calls that remove it are among them. */
static const char *check(const void *argument, const struct walk_result *result)
{
    static char text[LOG_SIZE];
    const struct scene *scene = argument;
    (void)result;
    bool may_stay = scene->is_once || walk_fails_later_calls();
    if (!may_stay && read_file(passfile, text, sizeof(text))) {
        return "a token is left in the passfile";
    }
    return NULL;
}

/* --status makes fewer calls than the others: it makes no token, and only prints the response of a
 * running agent. */
static const struct scene scenes[] = {
    {"rds-iam-agent --once", "agent-once", true, false, false, 50},
    {"rds-iam-agent", "agent", false, false, false, 50},
    {"rds-iam-agent with a container's credentials", "agent-container", false, true, false, 50},
    {"rds-iam-agent --status", "agent-status", false, false, true, 30},
};

static const char *wanted; /* the argument of a scene, or NULL for all scenes */

static void every_call_may_fail(void **state)
{
    (void)state;
    for_each_row(scene, scenes, scene->name) {
        if (wanted != NULL && strcmp(wanted, scene->argument) != 0) {
            continue;
        }
        static const enum ria_fault_mode modes[] = {
            RIA_FAULT_ONCE, RIA_FAULT_INTERRUPT, RIA_FAULT_CUT, RIA_FAULT_ALL};
        const struct walk_scenario scenario = {
            .name = scene->name,
            .role = RIA_FAULT_ROLE_AGENT,
            .argument = scene,
            .prepare = prepare,
            .run = run,
            .check = check,
            .seconds = RUN_SECONDS,
            .minimum_calls = scene->minimum_calls,
            .maximum_calls = 3000,
        };
        for (size_t i = 0; i < RIA_COUNT(modes); i++) {
            walk_expect_clean(&scenario, modes[i]);
        }
    }
}

/* Waits for a child, or for the child of a process that has ended. Returns false if none ends in
 * time. */
static bool reap_one(void)
{
    int waited = 0;
    while (waitpid(-1, NULL, WNOHANG) <= 0 && waited < END_MS) {
        pause_shortly();
        waited += PAUSE_MS;
    }
    return waited < END_MS;
}

static void a_killed_run_leaves_no_agent(void **state)
{
    (void)state;
    static const struct scene scene = {"killed", .has_container = false};
    static struct walk_result result;
    prepare(&scene);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t run = fork();
    if (run == 0) {
        bool is_serving = read_token(start(RIA_AGENT, "--foreground", log_path), &result);
        (void)kill(getpid(), is_serving ? SIGKILL : SIGTERM);
    }
    int status = 0;
    assert_int_equal(waitpid(run, &status, 0), run);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    bool has_supervisor_ended = reap_one();
    bool has_worker_ended = reap_one();
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
    assert_true(has_supervisor_ended);
    assert_true(has_worker_ended);
}

int main(int argc, char **argv)
{
    static const char *const secrets[] = {SECRET, SESSION};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_run_leaves_no_agent),
        cmocka_unit_test(every_call_may_fail),
    };
    const char *scratch = scratch_directory();
    wanted = argc > 1 ? argv[1] : NULL;
    (void)snprintf(directory, sizeof(directory), "%s/run/agent", scratch);
    (void)snprintf(passfile, sizeof(passfile), "%s/run/agent/prod", scratch);
    (void)snprintf(log_path, sizeof(log_path), "%s/home/agent.log", scratch);
    (void)snprintf(
        uri,
        sizeof(uri),
        "http://127.0.0.1:%u/container",
        scratch_serve(routes, RIA_COUNT(routes)));
    (void)clearenv();
    char home[PATH_SIZE];
    (void)snprintf(home, sizeof(home), "%s/home", scratch);
    (void)setenv("HOME", home, 1);
    (void)setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    walk_set_up(scratch, NOW, secrets, RIA_COUNT(secrets));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
