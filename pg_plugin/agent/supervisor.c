/* SPDX-License-Identifier: MIT
 *
 * Implements the supervisor: one loop around poll() waits for signals, the worker's messages and
 * timeouts. Replaces a worker that dies. If workers die quickly, waits longer before each
 * replacement. Ends the service in four cases: a signal requests it, the directory no longer
 * exists, the first worker cannot start, or poll() fails. */
#include "agent/supervisor.h"

#include "agent/leftovers.h"
#include "agent/status.h"
#include "agent/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    BLIND_MS = 20,        /* after poll() has failed: the pause between two checks of the worker */
    END_MS = 2000,        /* how long the worker may take to end */
    QUICK_MS = 1000,      /* a worker that dies sooner after its start is replaced after a pause */
    PAUSE_MS = 1000,      /* the first pause; each pause is twice as long as the one before it */
    PAUSE_MAX_MS = 10000, /* the longest pause */
};

/* -- systemd -------------------------------------------------------------------------------- */

/* The connection to systemd, with the protocol of sd_notify(3): one datagram to the socket that
 * $NOTIFY_SOCKET names. The protocol is documented and stable. The agent does not use libsystemd,
 * because libsystemd would load a dozen libraries into a process that handles secrets. */
struct notify {
    int fd; /* -1: systemd does not wait for notifications */
    struct sockaddr_un address;
    socklen_t size;
    int64_t watchdog_ms; /* interval between two "WATCHDOG=1"; 0: none */
};

/* Parses the address, which is a path, or "@" followed by an abstract name. Returns false if the
 * address has neither form or is too long. */
static bool find_address(struct notify *notify, const char *name)
{
    size_t len = strlen(name);
    if ((*name != '/' && *name != '@') || len >= sizeof(notify->address.sun_path)) {
        return false;
    }
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, name, len);
    if (*name == '@') {
        notify->address.sun_path[0] = '\0';
    }
    notify->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return true;
}

static int64_t watchdog_ms(void)
{
    const char *interval = secure_getenv("WATCHDOG_USEC");
    const char *pid = secure_getenv("WATCHDOG_PID");
    if (interval == NULL || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid())) {
        return 0;
    }
    long long value = strtoll(interval, NULL, 10);
    /* Half of the interval within which systemd requires a notification. So a notification may be
     * late by the other half. */
    return value <= 0 ? 0 : (int64_t)(value / 2000) + 1;
}

/* Reads systemd's variables and removes them from the environment, so that no child process
 * notifies systemd. */
static void notify_open(struct notify *notify)
{
    *notify = (struct notify){.fd = -1};
    const char *name = secure_getenv("NOTIFY_SOCKET");
    if (name != NULL && find_address(notify, name)) {
        notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        notify->watchdog_ms = watchdog_ms();
    }
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

/* Sends assignments, one per line, such as "READY=1". */
static void notify_send(const struct notify *notify, const char *text)
{
    if (notify->fd >= 0) {
        (void)!sendto(
            notify->fd,
            text,
            strlen(text),
            MSG_NOSIGNAL | MSG_DONTWAIT,
            (const struct sockaddr *)&notify->address,
            notify->size);
    }
}

static void notify_close(struct notify *notify)
{
    if (notify->fd >= 0) {
        (void)close(notify->fd);
    }
    notify->fd = -1;
}

/* -- the supervisor ------------------------------------------------------------------------- */

struct supervisor {
    struct ria_agent *agent;
    struct notify notify;
    struct ria_worker_start start;
    int signals;  /* a signalfd */
    int control;  /* the supervisor's end of the socket to the worker; -1: closed */
    int ready;    /* as in ria_supervisor_run() */
    pid_t worker; /* -1: none */
    /* All times are monotonic milliseconds, which do not count the machine's sleep. */
    int64_t started;
    int64_t start_at; /* when to start the next worker, if there is none */
    int64_t pause;    /* the last pause; 0: the last worker did not die quickly */
    bool is_ready;    /* systemd got READY=1 */
    int64_t end_by;   /* when to kill a worker that was told to end; INT64_MAX: not told */
    int64_t ping_at;  /* when to send the next "WATCHDOG=1" */
    bool is_blind;    /* poll() has failed, so the agent ends */
    int status;       /* the exit status */
};

static int64_t supervisor_milliseconds(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return ((int64_t)now.tv_sec * 1000) + (now.tv_nsec / 1000000);
}

static void list_signals(sigset_t *signals)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD};
    (void)sigemptyset(signals);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        (void)sigaddset(signals, numbers[i]);
    }
}

void ria_supervisor_block_signals(void)
{
    sigset_t signals;
    list_signals(&signals);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    /* The process may have inherited SIG_IGN for SIGCHLD. The kernel would then not send SIGCHLD,
     * and waitid() would report no child. */
    (void)signal(SIGCHLD, SIG_DFL);
}

/* -- the worker ----------------------------------------------------------------------------- */

static void close_once(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

/* Runs in the child: runs the worker in a process group of its own. So the terminal's signals reach
 * only the supervisor, which passes them on to the worker. */
static int run_worker(struct supervisor *supervisor, int control)
{
    (void)setpgid(0, 0);
    (void)close(supervisor->signals);
    (void)close(supervisor->control);
    close_once(&supervisor->ready);
    notify_close(&supervisor->notify);
    supervisor->start.control = control;
    return ria_worker_run(&supervisor->start);
}

/* Starts a worker. Returns false in the child when the worker has ended, with the exit status in
 * supervisor->status. Returns true in the supervisor. */
static bool start_worker(struct supervisor *supervisor)
{
    int ends[2];
    int64_t now = supervisor_milliseconds();
    supervisor->start_at = now + PAUSE_MS;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return true;
    }
    ria_watchdog_begin(&supervisor->agent->watchdog, now);
    supervisor->control = ends[0];
    pid_t pid = fork();
    if (pid == 0) {
        supervisor->status = run_worker(supervisor, ends[1]);
        return false;
    }
    (void)close(ends[1]);
    if (pid < 0) {
        close_once(&supervisor->control);
        ria_watchdog_end(&supervisor->agent->watchdog);
        return true;
    }
    supervisor->worker = pid;
    supervisor->started = now;
    return true;
}

static void kill_worker(struct supervisor *supervisor, const char *why)
{
    ria_log_error(
        &supervisor->agent->log,
        "the worker (process %ld) %s and is killed, so clients that wait read an empty passfile",
        (long)supervisor->worker,
        why);
    (void)kill(supervisor->worker, SIGKILL);
    ria_watchdog_end(&supervisor->agent->watchdog);
}

/* Returns true if the worker's death ends the service. There are three such cases: the supervisor
 * or a signal has told the worker to end; nothing is left to serve; or the worker has exited, and
 * no worker has become ready yet. In any other case, a new worker is started. */
static bool is_final(const struct supervisor *supervisor, const siginfo_t *info)
{
    bool is_exit = info->si_code == CLD_EXITED;
    return supervisor->end_by != INT64_MAX ||
           (is_exit &&
            (info->si_status == 0 || info->si_status == RIA_WORKER_GONE || !supervisor->is_ready));
}

/* Ends the service, or schedules the start of the next worker. Removes the passfiles that contain a
 * token, because the next worker may start only after a pause. */
static void handle_death(struct supervisor *supervisor, const siginfo_t *info, int64_t now)
{
    bool is_exit = info->si_code == CLD_EXITED;
    close_once(&supervisor->control);
    supervisor->worker = -1;
    ria_watchdog_end(&supervisor->agent->watchdog);
    ria_leftovers_remove(&supervisor->agent->directory);
    if (is_final(supervisor, info)) {
        supervisor->status = is_exit && info->si_status != 0 ? 1 : 0;
        supervisor->start_at = INT64_MAX;
        return;
    }
    bool is_quick = now - supervisor->started < QUICK_MS;
    int64_t longer = supervisor->pause == 0 ? PAUSE_MS : supervisor->pause * 2;
    supervisor->pause = !is_quick ? 0 : longer < PAUSE_MAX_MS ? longer : PAUSE_MAX_MS;
    supervisor->start_at = now + supervisor->pause;
    ria_log_error(
        &supervisor->agent->log,
        "the worker %s %d, so a new worker replaces it",
        is_exit ? "ended with status" : "was ended by signal",
        info->si_status);
}

/* Gets the next change of state of the worker. Returns false if there is none. If the worker is no
 * longer a child of this process, reports that signal 0 has killed it, because otherwise the
 * supervisor would wait forever for its end. */
static bool supervisor_next_change(pid_t worker, siginfo_t *info)
{
    static const int changes = WEXITED | WSTOPPED | WCONTINUED | WNOHANG;
    int failed = 0;
    *info = (siginfo_t){0};
    while ((failed = waitid(P_PID, (id_t)worker, info, changes)) != 0 && errno == EINTR) {
    }
    if (failed == 0) {
        return info->si_pid != 0;
    }
    info->si_code = CLD_KILLED;
    return errno == ECHILD;
}

/* Handles every change of state of the worker. */
static void handle_children(struct supervisor *supervisor, int64_t now)
{
    siginfo_t info;
    while (supervisor->worker > 0 && supervisor_next_change(supervisor->worker, &info)) {
        if (info.si_code == CLD_STOPPED || info.si_code == CLD_CONTINUED) {
            ria_watchdog_stop(&supervisor->agent->watchdog, info.si_code == CLD_STOPPED, now);
        } else {
            handle_death(supervisor, &info, now);
        }
    }
}

static void check_worker(struct supervisor *supervisor, int64_t now)
{
    struct ria_agent *agent = supervisor->agent;
    const char *fault = ria_watchdog_check(&agent->watchdog, now, ria_agent_ticks(agent));
    if (fault != NULL) {
        kill_worker(supervisor, fault);
    }
}

/* -- events --------------------------------------------------------------------------------- */

static void send_to_worker(const struct supervisor *supervisor, enum ria_worker_message message)
{
    char byte = (char)message;
    if (supervisor->control >= 0) {
        (void)!send(supervisor->control, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

/* Tells the worker to end, and sets the time at which a worker that has not ended is killed. */
static void begin_to_end(struct supervisor *supervisor, int64_t now)
{
    if (supervisor->end_by == INT64_MAX) {
        supervisor->end_by = now + END_MS;
        supervisor->start_at = INT64_MAX;
        notify_send(&supervisor->notify, "STOPPING=1");
    }
    send_to_worker(supervisor, RIA_MESSAGE_END);
}

static void supervisor_read_signals(struct supervisor *supervisor, int64_t now)
{
    struct signalfd_siginfo info;
    while (read(supervisor->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        switch (info.ssi_signo) {
        case SIGCHLD:
            handle_children(supervisor, now);
            break;
        case SIGHUP:
            send_to_worker(supervisor, RIA_MESSAGE_RENEW);
            break;
        default:
            begin_to_end(supervisor, now);
            break;
        }
    }
}

/* Reports to the starting process and to systemd that the passfiles exist. */
static void report_ready(struct supervisor *supervisor)
{
    if (!supervisor->is_ready) {
        (void)!write(supervisor->ready, "R", 1); /* fails if no process waits */
        supervisor->is_ready = true;
        notify_send(&supervisor->notify, "READY=1\nSTATUS=serving");
    }
}

static void supervisor_read_message(struct supervisor *supervisor)
{
    char message[RIA_MESSAGE_MAX + 1] = "";
    ssize_t len = recv(supervisor->control, message, RIA_MESSAGE_MAX, MSG_DONTWAIT);
    ria_printable(message);
    if (len == 0) { /* the worker is ending; poll() would return at once until then */
        close_once(&supervisor->control);
    } else if (len > 0 && message[0] == RIA_MESSAGE_READY) {
        report_ready(supervisor);
    } else if (len > 0 && supervisor->ready >= 0) {
        (void)!dprintf(supervisor->ready, "%s\n", message + 1);
    }
    if (len > 0 && message[0] == RIA_MESSAGE_STATUS) {
        char text[RIA_MESSAGE_MAX + sizeof("STATUS=")];
        (void)snprintf(text, sizeof(text), "STATUS=%s", message + 1);
        notify_send(&supervisor->notify, text);
        close_once(&supervisor->ready);
    }
}

/* -- the loop ------------------------------------------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Returns the milliseconds until the next timeout, for poll(); -1: no timeout. */
static int until_due(const struct supervisor *supervisor, int64_t now)
{
    int64_t due = supervisor->worker < 0 ? supervisor->start_at : INT64_MAX;
    due = earlier(due, ria_watchdog_due(&supervisor->agent->watchdog, now));
    due = earlier(due, earlier(supervisor->end_by, supervisor->ping_at));
    return due == INT64_MAX ? -1 : due <= now ? 0 : (int)(due - now);
}

/* Handles the timeouts that have passed. May start a worker. Returns false in the worker's process,
 * when the worker has ended. */
static bool handle_timeouts(struct supervisor *supervisor, int64_t now)
{
    check_worker(supervisor, now);
    if (now >= supervisor->ping_at) {
        notify_send(&supervisor->notify, "WATCHDOG=1");
        supervisor->ping_at = now + supervisor->notify.watchdog_ms;
    }
    if (now >= supervisor->end_by && supervisor->worker > 0) {
        kill_worker(supervisor, "did not end in time");
        supervisor->end_by = now + END_MS;
    }
    return supervisor->worker >= 0 || now < supervisor->start_at || start_worker(supervisor);
}

/* Waits for an event or for the next timeout. If poll() fails, ends the agent, because the loop
 * would otherwise use a whole CPU. Until the worker has ended, sleeps instead of calling poll(). */
static void await_event(struct supervisor *supervisor, struct pollfd *watched, nfds_t count)
{
    int64_t now = supervisor_milliseconds();
    if (!supervisor->is_blind) {
        if (poll(watched, count, until_due(supervisor, now)) >= 0 || errno == EINTR) {
            return;
        }
        ria_log_error(
            &supervisor->agent->log,
            "the agent ends: it cannot wait for events: %s",
            strerror(errno));
        supervisor->is_blind = true;
        begin_to_end(supervisor, now);
    }
    const struct timespec moment = {.tv_nsec = BLIND_MS * 1000000L};
    (void)nanosleep(&moment, NULL);
    handle_children(supervisor, now);
}

/* Returns true in the supervisor when the service has ended, and false in the child process when
 * the worker has ended. */
static bool supervisor_run(struct supervisor *supervisor)
{
    struct ria_watchdog *watchdog = &supervisor->agent->watchdog;
    while (handle_timeouts(supervisor, supervisor_milliseconds())) {
        if (supervisor->worker < 0 && supervisor->start_at == INT64_MAX) {
            return true;
        }
        struct pollfd watched[] = {
            {.fd = supervisor->signals, .events = POLLIN},
            {.fd = supervisor->control, .events = POLLIN},
            {.fd = watchdog->alarm, .events = POLLIN},
        };
        await_event(supervisor, watched, 3);
        int64_t now = supervisor_milliseconds();
        ria_watchdog_read_alarm(watchdog, supervisor->worker > 0, now);
        if (watched[1].revents != 0) {
            supervisor_read_message(supervisor);
        }
        supervisor_read_signals(supervisor, now);
    }
    return false;
}

/* Opens the signalfd, the watchdog and the socket of --status. Returns false on failure. */
static bool open_supervisor(struct supervisor *supervisor)
{
    struct ria_agent *agent = supervisor->agent;
    struct ria_error err;
    sigset_t signals;
    list_signals(&signals);
    supervisor->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (!ria_watchdog_open(&agent->watchdog) || supervisor->signals < 0) {
        ria_log_error(&agent->log, "not enough memory or descriptors to start the agent");
        return false;
    }
    supervisor->start.status = ria_status_listen(&agent->directory, &err);
    if (supervisor->start.status < 0) {
        ria_log_error(&agent->log, "%s", err.text); /* the agent runs without --status */
    }
    return true;
}

int ria_supervisor_run(struct ria_agent *agent, int ready)
{
    struct supervisor supervisor = {
        .agent = agent,
        .control = -1,
        .ready = ready,
        .worker = -1,
        .end_by = INT64_MAX,
        .ping_at = INT64_MAX,
    };
    supervisor.start = (struct ria_worker_start){
        .agent = agent,
        .supervisor = getpid(),
        .since = ria_agent_now(agent),
    };
    if (!open_supervisor(&supervisor)) {
        return 1;
    }
    notify_open(&supervisor.notify);
    if (supervisor.notify.watchdog_ms > 0) {
        supervisor.ping_at = supervisor_milliseconds();
    }
    if (!supervisor_run(&supervisor)) {
        agent->directory.lock = -1; /* the supervisor keeps the lock and removes agent.pid */
        return supervisor.status;
    }
    if (supervisor.is_blind) {
        supervisor.status = 1;
    } else if (supervisor.end_by != INT64_MAX) {
        ria_log_event(&agent->log, "ended by a signal, with the passfiles removed");
    }
    ria_status_end(&agent->directory);
    notify_close(&supervisor.notify);
    return supervisor.status;
}
