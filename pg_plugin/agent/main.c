/* SPDX-License-Identifier: MIT
 *
 * rds-iam-agent: options, going to the background, and the loop that waits for the next round. */
#include "agent/round.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    /* The wall clock may jump, the machine may sleep and somebody may edit a service file, so it is
     * all looked at this often. */
    LOOK_SECONDS = 2,
};

static const char help[] =
    "usage: rds-iam-agent [--directory DIR] [--once | --foreground]\n"
    "\n"
    "Keeps the passfiles of pg_service.conf filled with fresh tokens, for every service whose\n"
    "passfile= lies in its directory and that says host, user and sslmode=verify-full.\n"
    "\n"
    "  --directory DIR   where the passfiles are; by default $XDG_RUNTIME_DIR/rds-iam/run, else\n"
    "                    ~/.cache/rds-iam/run\n"
    "  --once            write the passfiles and end; they serve for 15 minutes\n"
    "  --foreground      stay in the terminal, with the log on stderr; by default it goes to the\n"
    "                    background and logs to agent.log in its directory\n"
    "  --help, --version\n"
    "\n"
    "An edited pg_service.conf is read again within seconds. SIGHUP: renew everything now.\n"
    "SIGTERM: remove the passfiles and end.\n"
    "exit status: 0, 1 (failed: sentences on stderr), 2 (usage)\n";

struct arguments {
    const char *directory;
    bool once;
    bool foreground;
};

static const struct option options[] = {
    {"directory", required_argument, NULL, 'd'},
    {"once", no_argument, NULL, 'o'},
    {"foreground", no_argument, NULL, 'f'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
    {NULL, 0, NULL, 0},
};

static int usage(const char *what, const char *argument)
{
    (void)fprintf(stderr, "rds-iam-agent: %s%s; see rds-iam-agent --help\n", what, argument);
    return EXIT_USAGE;
}

static int print(const char *text)
{
    return fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

/* Returns -1 to go on, or the exit status. */
static int parse(int argc, char **argv, struct arguments *out)
{
    opterr = 0;
    int option;
    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        switch (option) {
        case 'd':
            out->directory = optarg;
            break;
        case 'o':
            out->once = true;
            break;
        case 'f':
            out->foreground = true;
            break;
        case 'h':
            return print(help);
        case 'v':
            return print("rds-iam-agent " RIA_VERSION "\n");
        case ':':
            return usage("a value is missing after ", argv[optind - 1]);
        default:
            return usage("unknown option ", argv[optind - 1]);
        }
    }
    if (optind < argc) {
        return usage("unexpected argument ", argv[optind]);
    }
    if (out->once && out->foreground) {
        return usage("--once and --foreground exclude each other", "");
    }
    return -1;
}

/* The core's warnings are part of what a round says; the rest only where RDS_IAM_LOG asks. */
static void log_to_report(void *self, enum ria_log_level level, const char *line)
{
    struct ria_report *report = self;
    if (level == RIA_LOG_WARNING) {
        ria_report_state(report, "warning: %s", line);
    } else if (secure_getenv("RDS_IAM_LOG") != NULL) {
        ria_report_event(report, "%s", line);
    }
}

static void block_signals(sigset_t *signals)
{
    (void)sigemptyset(signals);
    (void)sigaddset(signals, SIGTERM);
    (void)sigaddset(signals, SIGINT);
    (void)sigaddset(signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* Waits for the round's time, a signal, a clock that was set back, an edited service file or the
 * loss of the directory. Returns the signal, or 0. */
static int wait_until(const struct ria_agent *agent, const sigset_t *signals, int64_t due)
{
    uint64_t stamp = ria_round_stamp(agent);
    int64_t before = agent->world->now(agent->world->self);
    while (before < due && ria_round_stamp(agent) == stamp &&
           !ria_directory_is_gone(agent->directory)) {
        int64_t left = due - before;
        struct timespec wait = {.tv_sec = left < LOOK_SECONDS ? left : LOOK_SECONDS};
        int caught = sigtimedwait(signals, NULL, &wait);
        if (caught > 0) {
            return caught;
        }
        int64_t now = agent->world->now(agent->world->self);
        if (now < before) {
            return 0;
        }
        before = now;
    }
    return 0;
}

static int serve(struct ria_agent *agent, const sigset_t *signals, int64_t due)
{
    struct ria_round round;
    int caught = wait_until(agent, signals, due);
    while (caught == 0 || caught == SIGHUP) {
        if (ria_directory_is_gone(agent->directory)) {
            ria_report_event(
                agent->report,
                "%s: the directory is gone, so the agent ends",
                agent->directory->path);
            return EXIT_FAILED;
        }
        ria_round_run(agent, &round);
        caught = wait_until(agent, signals, round.due);
    }
    ria_round_undo(agent);
    ria_report_event(agent->report, "ended by a signal; the passfiles are removed");
    return EXIT_OK;
}

/* In the child everything that was said is said again, into the log. */
static bool detach(struct ria_agent *agent, int log)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0 || setsid() < 0) {
        return false;
    }
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (dup2(nothing, fd) < 0) {
            return false;
        }
    }
    (void)close(nothing);
    ria_report_release(agent->report);
    agent->report->fd = log;
    agent->report->has_time = true;
    ria_directory_write_pid(agent->directory);
    ria_report_event(agent->report, "started, version " RIA_VERSION);
    return true;
}

static int run_in_background(struct ria_agent *agent, const sigset_t *signals)
{
    struct ria_error err;
    int log = ria_directory_open_log(agent->directory, &err);
    if (log < 0) {
        ria_report_event(agent->report, "%s", err.text);
        return EXIT_FAILED;
    }
    pid_t child = fork();
    if (child < 0) {
        ria_report_event(agent->report, "cannot start a process: %s", strerror(errno));
        return EXIT_FAILED;
    }
    if (child > 0) {
        agent->directory->lock = -1; /* the child's now */
        ria_report_event(
            agent->report,
            "running in the background as process %ld; its log is %s/agent.log; to end it, type: "
            "kill %ld",
            (long)child,
            agent->directory->path,
            (long)child);
        return EXIT_OK;
    }
    int status = detach(agent, log) ? serve(agent, signals, 0) : EXIT_FAILED;
    (void)close(log);
    return status;
}

static int run(struct ria_agent *agent, const struct arguments *arguments)
{
    struct ria_error err;
    sigset_t signals;
    block_signals(&signals);
    if (!arguments->once && !ria_directory_lock(agent->directory, &err)) {
        ria_report_event(agent->report, "%s", err.text);
        return EXIT_FAILED;
    }
    struct ria_round round;
    ria_round_run(agent, &round);
    if (arguments->once) {
        bool ok = round.entries > 0 && round.served == round.entries && !round.is_broken;
        return ok ? EXIT_OK : EXIT_FAILED;
    }
    return arguments->foreground ? serve(agent, &signals, round.due)
                                 : run_in_background(agent, &signals);
}

int main(int argc, char **argv)
{
    /* No core dump, and no debugger of another process, may show a secret. */
    (void)prctl(PR_SET_DUMPABLE, 0);
    struct arguments arguments = {0};
    int status = parse(argc, argv, &arguments);
    if (status >= 0) {
        return status;
    }
    struct ria_report report = RIA_REPORT_INIT;
    struct ria_world world = *ria_process_world();
    world.self = &report;
    world.log = log_to_report;
    report.clock = &world;
    struct ria_directory directory = {.fd = -1, .lock = -1};
    struct ria_agent agent = {
        .world = &world,
        .sysconfdir = RIA_POSTGRESQL_SYSCONFDIR,
        .directory = &directory,
        .report = &report,
        .published = {.max = RIA_AGENT_PUBLISHED_MAX},
    };
    struct ria_error err;
    if (ria_directory_open(arguments.directory, &world, &directory, &err)) {
        status = run(&agent, &arguments);
    } else {
        ria_report_event(&report, "%s", err.text);
        status = EXIT_FAILED;
    }
    ria_buf_release(&agent.published);
    ria_directory_release(&directory);
    ria_report_release(&report);
    ria_session_forget();
    return status;
}
