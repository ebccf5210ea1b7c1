/* SPDX-License-Identifier: MIT
 *
 * Implements the worker: one loop around epoll handles signals, messages, edits, fetches and
 * timers. While every passfile is at rest, the loop sleeps until the next check of the credentials.
 * If a service file is invalid, the worker continues with the old entries. If the agent's directory
 * no longer exists, the worker ends. */
#include "agent/worker.h"

#include "agent/lease.h"
#include "agent/leftovers.h"
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
    EDIT_MS = 50, /* wait after an edit, because an editor saves a file in several steps */
    RETRY_SECONDS = 5,
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
    int epoll;
    int fds[SOURCES];
    int64_t timers[SOURCES]; /* the times to which the timers are set; -1: not set */
    int64_t load_at;    /* when to read the edited files, in ticks; INT64_MAX: no file was edited */
    uint64_t stamps[2]; /* ria_config_snapshot_stamp() of the service files in use */
    bool is_loaded;     /* some entries are in use */
    bool is_reported;   /* the number of services with a token was logged */
    bool has_warned;    /* the log contains the warning that a file cannot be watched */
    bool is_checking;   /* the loop must check whether the directory is gone */
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

static void watch_file(struct worker *worker, const char *path)
{
    char words[128];
    if (!ria_watch_file(&worker->watch, path) && !worker->has_warned) {
        worker->has_warned = true;
        ria_log_error(
            &worker->agent->log,
            "%s: cannot be watched: %s, so the agent sees edits of it, and perhaps of other files, "
            "only on SIGHUP; raise fs.inotify.max_user_watches",
            path,
            ria_text_of_errno(errno, words, sizeof(words)));
    }
}

static void watch_files(struct worker *worker)
{
    const struct ria_entries *entries = &worker->serve.entries;
    const struct ria_config_snapshot *snapshot = &worker->agent->config;
    for (size_t i = 0; i < entries->path_count; i++) {
        watch_file(worker, entries->paths[i]);
    }
    for (size_t i = 0; i < snapshot->count; i++) {
        watch_file(worker, snapshot->files[i].path);
    }
}

/* Reads the service files. If one of them is invalid, and an earlier load has succeeded, the
 * entries of the earlier load stay in use. If memory runs out, tries again after 5 seconds. */
static void worker_load(struct worker *worker)
{
    struct ria_agent *agent = worker->agent;
    struct ria_entries entries;
    bool ok = ria_entries_load(
        &agent->world, agent->sysconfdir, &agent->directory, &agent->log, &entries);
    ria_watchdog_ping(&agent->watchdog);
    for (size_t i = 0; ok && i < entries.path_count; i++) {
        worker->stamps[i] = ria_config_snapshot_stamp(entries.paths[i]);
    }
    if (!ok) {
        ria_log_error(&agent->log, RIA_MESSAGE_MEMORY, "the service files");
        worker->load_at = ria_agent_ticks(agent) + ((int64_t)RETRY_SECONDS * 1000);
    } else if (entries.is_broken && worker->is_loaded) {
        ria_log_state(
            &agent->log,
            RIA_LOG_WARNING,
            "the service files are invalid, so the previous entries are served until the files are "
            "fixed");
        ria_log_next(&agent->log);
        memcpy(
            worker->serve.entries.refusals.invalid_file,
            entries.refusals.invalid_file,
            sizeof(entries.refusals.invalid_file));
    } else if (ria_serve_set_entries(&worker->serve, &entries)) {
        worker->is_loaded = true;
        worker->is_reported = false;
    }
    ria_entries_release(&entries);
    watch_files(worker);
}

/* Reads rds-iam's configuration again if it was edited, and logs an error in it. */
static void refresh_config(struct worker *worker)
{
    struct ria_agent *agent = worker->agent;
    struct ria_error err;
    bool was_whole = agent->config.is_whole;
    if (!ria_config_snapshot_refresh(&agent->config, &agent->world, &err)) {
        ria_log_error(
            &agent->log,
            "%s%s",
            err.text,
            was_whole ? "; the previous configuration is used until the file is fixed" : "");
    }
}

/* Reads the files that were edited. */
static void load_if_edited(struct worker *worker)
{
    worker->load_at = INT64_MAX;
    refresh_config(worker);
    const struct ria_entries *entries = &worker->serve.entries;
    bool is_edited = !worker->is_loaded;
    for (size_t i = 0; i < entries->path_count; i++) {
        is_edited = is_edited || ria_config_snapshot_stamp(entries->paths[i]) != worker->stamps[i];
    }
    if (is_edited) {
        worker_load(worker);
    }
    watch_files(worker);
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
 * reads all files again, renews all tokens, and checks whether the directory is gone. */
static void renew_all(struct worker *worker)
{
    ria_background_forget(worker->agent->background);
    ria_session_forget();
    refresh_config(worker);
    worker_load(worker);
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

/* Reads inotify's events. Delays the reading of edited files by EDIT_MS. */
static void read_changes(struct worker *worker)
{
    struct ria_watch_changes changes = ria_watch_read(&worker->watch, name_changed, worker);
    if (changes.is_edited && worker->load_at == INT64_MAX) {
        worker->load_at = ria_agent_ticks(worker->agent) + EDIT_MS;
    }
    worker->is_checking = worker->is_checking || changes.is_own;
}

/* Reads a timer. When the clock is set, the kernel cancels the wall clock's timer, and the worker
 * discards the cached credentials and renews all tokens. */
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

/* Sets a timer to `when`, an absolute time. `parts` is the number of units of `when` in a second.
 * INT64_MAX: no timeout; the wall clock's timer is then set to a distant time, because the kernel
 * reports a change of the clock only to a timer that is set. */
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
    if (worker->load_at <= ria_agent_ticks(agent)) {
        load_if_edited(worker);
    }
    ria_serve_check_credentials(&worker->serve);
    int64_t due = ria_serve_work(&worker->serve);
    ria_watchdog_promise(&agent->watchdog, worker->serve.opener_deadline);
    report_result(worker);
    int64_t background = ria_background_due(agent->background);
    due = background < due ? background : due;
    due = worker->load_at < due ? worker->load_at : due;
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

/* Opens the descriptors that the loop waits for. Returns false with errno set on failure. */
static bool open_sources(struct worker *worker)
{
    int flags = TFD_CLOEXEC | TFD_NONBLOCK;
    worker->epoll = epoll_create1(EPOLL_CLOEXEC);
    worker->fds[SOURCE_SIGNALS] = open_signals();
    worker->fds[SOURCE_CONTROL] = worker->start->control;
    worker->fds[SOURCE_STATUS] = worker->start->status;
    worker->fds[SOURCE_WATCH] = worker->watch.fd;
    worker->fds[SOURCE_BACKGROUND] = ria_background_fd(worker->agent->background);
    worker->fds[SOURCE_TICKS] = timerfd_create(CLOCK_BOOTTIME, flags);
    worker->fds[SOURCE_WALL] = timerfd_create(CLOCK_REALTIME, flags);
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
        ria_log_error(&agent->log, "not enough memory to start the worker");
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
        .load_at = INT64_MAX,
        .timers = {[SOURCE_TICKS] = -1, [SOURCE_WALL] = -1},
    };
    if (!open_worker(&worker)) {
        return ria_directory_is_gone(&start->agent->directory) ? RIA_WORKER_GONE : RIA_WORKER_SHORT;
    }
    refresh_config(&worker);
    worker_load(&worker);
    send_message(&worker, RIA_MESSAGE_READY, "");
    int status = worker_run(&worker);
    ria_serve_end(&worker.serve);
    ria_watch_release(&worker.watch);
    (void)close(worker.epoll);
    return status;
}
