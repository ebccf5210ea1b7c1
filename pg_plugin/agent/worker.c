/* SPDX-License-Identifier: MIT
 *
 * Implements the worker: one loop around epoll handles signals, messages, edits, fetches and
 * timers. While every passfile is at rest, the loop sleeps until the next check of the credentials.
 * If a service file is invalid, the worker continues with the old entries. If the agent's directory
 * no longer exists, the worker ends. */
#include "agent/worker.h"

#include "agent/lease.h"
#include "agent/leftovers.h"
#include "agent/loader.h"
#include "agent/serve.h"
#include "agent/status.h"
#include "agent/watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    OTHER_FILES = 64, /* descriptors reserved for files other than passfiles; each child that
                         fetches needs one */
};

/* What woke the loop. */
enum source {
    SOURCE_SIGNALS,
    SOURCE_CONTROL,
    SOURCE_STATUS,
    SOURCE_WATCH,
    SOURCE_BACKGROUND,
    SOURCE_TICKS,
    SOURCE_WALL,
    SOURCES,
};

struct worker {
    const struct ria_worker_start *start;
    struct ria_agent *agent;
    struct ria_serve serve;
    struct ria_watch watch;
    struct ria_loader loader;
    int epoll;
    int fds[SOURCES];
    int64_t timers[SOURCES]; /* the times to which the timers are set; -1: not set */
    bool is_reported;        /* the number of services with a token was logged */
    bool is_checking;        /* the loop must check whether the directory is gone */
    bool is_ending;
    int status;
};

/* -- messages to the supervisor ------------------------------------------------------------- */

static void send_message(
    const struct worker *worker, enum ria_worker_message kind, const char *text)
{
    char message[RIA_MESSAGE_MAX];
    int len = snprintf(message, sizeof(message), "%c%s", (char)kind, text);
    size_t size = len < (int)sizeof(message) ? (size_t)len : sizeof(message) - 1;
    (void)!send(worker->start->control, message, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Logs how many services have their tokens, and sends this text to the supervisor, once for each
 * load of the entries. Before this text, sends the newest error of a line that has no token. With
 * leases, does nothing until every line was tried. */
static void report_result(struct worker *worker)
{
    struct ria_log *log = &worker->agent->log;
    if (worker->is_reported ||
        (worker->serve.is_leasing && !ria_serve_is_checked(&worker->serve))) {
        return;
    }
    worker->is_reported = true;
    char text[RIA_ERROR_TEXT_MAX];
    ria_entries_describe(&worker->serve.entries, &worker->agent->directory, text);
    ria_log_state(log, RIA_LOG_INFO, "%s", text);
    ria_log_next(log);
    char error[RIA_TOKEN_LINE_ERROR_SIZE];
    if (ria_token_line_find_error(&worker->serve.maker, &worker->serve.entries, error) != 0) {
        send_message(worker, RIA_MESSAGE_ERROR, error);
    }
    send_message(worker, RIA_MESSAGE_STATUS, text);
}

/* -- what is served ------------------------------------------------------------------------- */

/* Reads the files that were edited; with `all`, reads the service files in any case. */
static void read_files(struct worker *worker, bool all)
{
    if (ria_loader_read(&worker->loader, all)) {
        worker->is_reported = false;
    }
}

static void worker_check_directory(struct worker *worker)
{
    worker->is_checking = false;
    if (ria_directory_is_gone(&worker->agent->directory)) {
        ria_log_error(
            &worker->agent->log,
            "%s: the directory is gone, so the agent ends",
            worker->agent->directory.path);
        worker->is_ending = true;
        worker->status = RIA_WORKER_GONE;
    }
}

/* Handles RIA_MESSAGE_RENEW, which the supervisor sends on SIGHUP: discards all cached credentials,
 * reads the service files, reads rds-iam's configuration if it was edited, renews all tokens, and
 * checks whether the directory is gone. */
static void renew_all(struct worker *worker)
{
    ria_background_forget(worker->agent->background);
    ria_session_forget();
    read_files(worker, true);
    worker->is_checking = true;
    ria_serve_renew(&worker->serve);
}

/* -- events --------------------------------------------------------------------------------- */

static void worker_read_signals(struct worker *worker)
{
    enum {
        SIGNALS = 32
    };
    struct signalfd_siginfo infos[SIGNALS];
    ssize_t len = read(worker->fds[SOURCE_SIGNALS], infos, sizeof(infos));
    for (size_t i = 0; len > 0 && i < (size_t)len / sizeof(infos[0]); i++) {
        int number = (int)infos[i].ssi_signo;
        if (number == RIA_LEASE_SIGNAL) {
            ria_serve_open(&worker->serve, infos[i].ssi_fd);
        } else if (number == RIA_LEASE_LOST_SIGNAL) {
            ria_serve_open_all(&worker->serve);
        } else {
            worker->is_ending = true;
        }
    }
}

static void worker_read_message(struct worker *worker)
{
    char message[RIA_MESSAGE_MAX];
    ssize_t len = recv(worker->start->control, message, sizeof(message), MSG_DONTWAIT);
    if (len > 0 && message[0] == RIA_MESSAGE_RENEW) {
        renew_all(worker);
    } else if (len >= 0 || errno != EAGAIN) {
        worker->is_ending = true; /* the supervisor has told the worker to end, or has died */
    }
}

static void name_changed(void *self, const char *name)
{
    struct worker *worker = self;
    ria_serve_check(&worker->serve, name);
}

/* Reads inotify's events. */
static void read_changes(struct worker *worker)
{
    struct ria_watch_changes changes = ria_watch_read(&worker->watch, name_changed, worker);
    if (changes.is_edited) {
        ria_loader_note_edit(&worker->loader);
    }
    worker->is_checking = worker->is_checking || changes.is_own;
}

/* Reads a timer. When the clock is set, the kernel cancels the wall clock's timer. The worker then
 * discards the results of all fetches that have ended, and renews all tokens. */
static void read_timer(struct worker *worker, enum source source)
{
    uint64_t times;
    ssize_t len = read(worker->fds[source], &times, sizeof(times));
    worker->timers[source] = -1;
    if (len < 0 && errno == ECANCELED) {
        ria_background_forget(worker->agent->background);
        ria_serve_renew(&worker->serve);
    }
}

static void send_status(struct worker *worker)
{
    struct ria_status status = {
        .serve = &worker->serve,
        .supervisor = worker->start->supervisor,
        .since = worker->start->since,
    };
    ria_status_respond(worker->fds[SOURCE_STATUS], &status);
}

static void handle_source(struct worker *worker, enum source source)
{
    switch (source) {
    case SOURCE_SIGNALS:
        worker_read_signals(worker);
        break;
    case SOURCE_CONTROL:
        worker_read_message(worker);
        break;
    case SOURCE_STATUS:
        send_status(worker);
        break;
    case SOURCE_WATCH:
        read_changes(worker);
        break;
    case SOURCE_BACKGROUND: /* do_due_work() checks it in any case */
        break;
    case SOURCE_TICKS:
    case SOURCE_WALL:
        read_timer(worker, source);
        break;
    case SOURCES:
        break;
    }
}

/* -- the loop ------------------------------------------------------------------------------- */

/* Sets a timer to `when`, an absolute time. `parts` is the number of units of `when` in a second:
 * 1000 if `when` is in milliseconds, 1 if it is in seconds. INT64_MAX: no timeout; the wall clock's
 * timer is then set to a distant time, because the kernel reports a change of the clock only to a
 * timer that is set. */
static void set_timer(struct worker *worker, enum source source, int64_t when, int64_t parts)
{
    const int64_t far_seconds = (int64_t)1 << 32;
    if (worker->timers[source] == when) {
        return;
    }
    worker->timers[source] = when;
    struct itimerspec timer = {0};
    bool is_wall = source == SOURCE_WALL;
    if (when != INT64_MAX) {
        timer.it_value.tv_sec = when / parts;
        timer.it_value.tv_nsec = when % parts * (1000000000 / parts);
    } else if (is_wall) {
        timer.it_value.tv_sec = far_seconds;
    }
    int flags = TFD_TIMER_ABSTIME | (is_wall ? TFD_TIMER_CANCEL_ON_SET : 0);
    (void)timerfd_settime(worker->fds[source], flags, &timer, NULL);
}

/* Does the work that is due. Returns true if more work is due at once; otherwise sets the timers.
 */
static bool do_due_work(struct worker *worker)
{
    struct ria_agent *agent = worker->agent;
    if (ria_background_work(agent->background)) {
        ria_serve_retry(&worker->serve);
    }
    if (worker->is_checking) {
        worker_check_directory(worker);
    }
    if (worker->loader.due <= ria_agent_ticks(agent)) {
        read_files(worker, false);
    }
    ria_serve_check_credentials(&worker->serve);
    int64_t due = ria_serve_work(&worker->serve);
    ria_watchdog_promise(&agent->watchdog, worker->serve.opener_deadline);
    report_result(worker);
    int64_t background = ria_background_due(agent->background);
    due = background < due ? background : due;
    due = worker->loader.due < due ? worker->loader.due : due;
    if (due <= ria_agent_ticks(agent) || worker->serve.next_check <= ria_agent_now(agent)) {
        return true;
    }
    set_timer(worker, SOURCE_TICKS, due, 1000);
    set_timer(worker, SOURCE_WALL, worker->serve.next_check, 1);
    return false;
}

/* Runs the loop, and tells the watchdog when the worker waits and when it works. Ends if
 * epoll_wait() fails, because the loop would then use a whole CPU. Returns the exit status. */
static int worker_run(struct worker *worker)
{
    struct epoll_event events[SOURCES];
    bool has_more = true;
    while (!worker->is_ending) {
        if (!has_more) {
            ria_watchdog_wait(&worker->agent->watchdog);
        }
        int count = epoll_wait(worker->epoll, events, SOURCES, has_more ? 0 : -1);
        if (count < 0 && errno != EINTR) {
            ria_log_error(&worker->agent->log, "cannot wait for events: %s", strerror(errno));
            return RIA_WORKER_SHORT;
        }
        if (!has_more) {
            ria_watchdog_work(&worker->agent->watchdog);
        }
        for (int i = 0; i < count; i++) {
            handle_source(worker, (enum source)events[i].data.u32);
        }
        ria_watchdog_ping(&worker->agent->watchdog);
        has_more = do_due_work(worker);
    }
    return worker->status;
}

/* -- the beginning -------------------------------------------------------------------------- */

static int open_signals(void)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, RIA_LEASE_SIGNAL);
    (void)sigaddset(&signals, RIA_LEASE_LOST_SIGNAL);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigprocmask(SIG_SETMASK, &signals, NULL);
    /* Ignores SIGPIPE and SIGXFSZ, because a write that fails also sets errno. Also ignores SIGHUP
     * and SIGQUIT, which the supervisor handles, and SIGUSR1 and SIGUSR2, which would kill the
     * worker. Also ignores SIGTSTP, SIGTTOU and SIGTTIN, because clients would wait for a stopped
     * worker. SIGTERM and SIGINT are not ignored: the worker ends on them. */
    static const int ignored[] = {
        SIGPIPE, SIGXFSZ, SIGHUP, SIGTSTP, SIGTTOU, SIGTTIN, SIGUSR1, SIGUSR2, SIGQUIT};
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Raises the limit of open files to its maximum, because each leased file is open. Returns the
 * number of passfiles that may be leased. */
static size_t raise_file_limit(void)
{
    struct rlimit limit = {0};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    size_t all = (size_t)limit.rlim_cur;
    return all - (all / 2 < OTHER_FILES ? all / 2 : OTHER_FILES);
}

/* Creates the descriptors of the loop that no other part of the agent has opened. Stops at the
 * first failure, so that errno is the reason. */
static bool create_sources(struct worker *worker)
{
    int flags = TFD_CLOEXEC | TFD_NONBLOCK;
    int *fds = worker->fds;
    worker->epoll = epoll_create1(EPOLL_CLOEXEC);
    fds[SOURCE_SIGNALS] = worker->epoll < 0 ? -1 : open_signals();
    fds[SOURCE_TICKS] = fds[SOURCE_SIGNALS] < 0 ? -1 : timerfd_create(CLOCK_BOOTTIME, flags);
    fds[SOURCE_WALL] = fds[SOURCE_TICKS] < 0 ? -1 : timerfd_create(CLOCK_REALTIME, flags);
    return fds[SOURCE_WALL] >= 0;
}

/* Opens the descriptors that the loop waits for, and adds them to the epoll set; the socket of
 * --status may be missing. Returns false on failure, with errno set to the reason. */
static bool open_sources(struct worker *worker)
{
    if (!create_sources(worker)) {
        return false;
    }
    worker->fds[SOURCE_CONTROL] = worker->start->control;
    worker->fds[SOURCE_STATUS] = worker->start->status;
    worker->fds[SOURCE_WATCH] = worker->watch.fd;
    worker->fds[SOURCE_BACKGROUND] = ria_background_fd(worker->agent->background);
    for (unsigned i = 0; i < SOURCES; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        bool is_optional = i == SOURCE_STATUS && worker->fds[i] < 0;
        if (!is_optional && epoll_ctl(worker->epoll, EPOLL_CTL_ADD, worker->fds[i], &event) != 0) {
            return false;
        }
    }
    return true;
}

/* Opens everything that the worker needs. Logs an error and returns false on failure. */
static bool open_worker(struct worker *worker)
{
    struct ria_agent *agent = worker->agent;
    struct ria_error err;
    worker->serve.leased_max = raise_file_limit();
    agent->background = ria_background_new(&agent->world);
    if (agent->background == NULL) {
        ria_log_error(&agent->log, "cannot start the worker: %s", strerror(errno));
        return false;
    }
    if (!ria_watch_open(&worker->watch, &agent->directory, &err)) {
        ria_log_error(&agent->log, "%s", err.text);
        return false;
    }
    if (!open_sources(worker)) {
        ria_log_error(&agent->log, "cannot wait for events: %s", strerror(errno));
        return false;
    }
    ria_leftovers_remove(&agent->directory);
    worker->serve.is_leasing = ria_lease_works(&agent->directory, &err);
    if (!worker->serve.is_leasing) {
        ria_log_error(
            &agent->log,
            "%s, so the passfiles contain tokens at all times, renewed every few minutes",
            err.text);
    }
    return true;
}

int ria_worker_run(const struct ria_worker_start *start)
{
    struct worker worker = {
        .start = start,
        .agent = start->agent,
        .serve = {.agent = start->agent, .maker = {.agent = start->agent}},
        .timers = {[SOURCE_TICKS] = -1, [SOURCE_WALL] = -1},
    };
    if (!open_worker(&worker)) {
        return ria_directory_is_gone(&start->agent->directory) ? RIA_WORKER_GONE : RIA_WORKER_SHORT;
    }
    worker.loader = (struct ria_loader){
        .agent = worker.agent, .serve = &worker.serve, .watch = &worker.watch, .due = INT64_MAX};
    read_files(&worker, true);
    send_message(&worker, RIA_MESSAGE_READY, "");
    int status = worker_run(&worker);
    ria_serve_end(&worker.serve);
    ria_watch_release(&worker.watch);
    (void)close(worker.epoll);
    return status;
}
