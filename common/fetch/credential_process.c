/* SPDX-License-Identifier: MIT
 *
 * Runs a profile's credential_process with /bin/sh -c and parses the credentials that it prints.
 * The command runs in its own process group, which is killed at the deadline. The group leader,
 * called the keeper, kills the group if rds-iam-fetch itself is killed. If the command fails, the
 * message shows the end of the command's stderr, with only the host and port of each URL. No
 * message shows the command's stdout. Does not start a command that would run itself again
 * (process_chain.h), and rejects output above 64 KB, a temporary access key without a session
 * token, and expired credentials.
 *
 *   rds-iam-fetch -- keeper -- sh -c COMMAND -- ...    each process is the parent of the next */
#include "base/ascii.h"
#include "base/messages.h"
#include "base/text.h"
#include "fetch/fetch.h"
#include "fetch/json.h"
#include "fetch/process_chain.h"
#include "os/host_variables.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    OUTPUT_MAX = 64 * 1024,
    POLL_NS = 5 * 1000 * 1000,
    STDERR_MAX = 640, /* bytes stored from the end of stderr; enough for a message of rds-iam */
    STDERR_SHOWN_MAX = 200,    /* bytes of stderr that fit into a message */
    URLS_MAX = 8 * STDERR_MAX, /* the text that replaces a URL may be longer than the URL */
};

struct child {
    pid_t pid; /* the keeper; also the id of its process group */
    int out;
    int errors;
};

/* Restores the variables that were withheld from rds-iam-fetch (os/host_variables.h). The command
 * is the user's program and needs them. */
static bool restore_variables(void)
{
    for (size_t i = 0; i < RIA_HOST_VARIABLES; i++) {
        char renamed[64];
        (void)snprintf(
            renamed, sizeof(renamed), "%s%s", RIA_HOST_VARIABLE_PREFIX, ria_host_variables[i]);
        const char *value = secure_getenv(renamed);
        if (value != NULL && setenv(ria_host_variables[i], value, 1) != 0) {
            return false;
        }
        (void)unsetenv(renamed);
    }
    return true;
}

/* Runs in the keeper's child: executes the command. Never returns. */
__attribute__((noreturn)) static void become(const char *command, int out, int errors)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        dup2(errors, STDERR_FILENO) >= 0 && restore_variables()) {
        (void)signal(SIGPIPE, SIG_DFL);
        (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    }
    _exit(127);
}

/* Runs in the child process, the keeper. Starts the command, waits for it and exits with its
 * status. Never returns. If rds-iam-fetch dies, the kernel sends the parent death signal only to
 * the keeper, so the keeper kills the group. The signal is SIGRTMIN, because a command is unlikely
 * to send SIGRTMIN to its own group. */
__attribute__((noreturn)) static void credential_process_keep(
    const char *command, int out, int errors, pid_t parent)
{
    const int parent_died = SIGRTMIN;
    sigset_t watched;
    sigset_t before;
    int status = 0;
    (void)setpgid(0, 0);
    (void)prctl(
        PR_SET_NAME, RIA_PROCESS_KEEPER); /* process_chain.c counts processes of this name */
    (void)sigemptyset(&watched);
    (void)sigaddset(&watched, parent_died);
    (void)sigaddset(&watched, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &watched, &before);
    (void)prctl(PR_SET_PDEATHSIG, parent_died);
    pid_t shell = getppid() == parent ? fork() : -1;
    if (shell == 0) {
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        become(command, out, errors);
    }
    (void)close(STDIN_FILENO);
    (void)close(out);
    (void)close(errors);
    while (shell > 0 && sigwaitinfo(&watched, NULL) != parent_died) {
        if (waitpid(shell, &status, WNOHANG) == shell) {
            _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        }
    }
    (void)kill(0, SIGKILL);
    _exit(127);
}

static bool credential_process_start(const char *command, struct child *child)
{
    pid_t self = getpid();
    int out[2];
    int errors[2];
    if (pipe2(out, O_CLOEXEC) != 0) {
        return false;
    }
    if (pipe2(errors, O_CLOEXEC) != 0) {
        (void)close(out[0]);
        (void)close(out[1]);
        return false;
    }
    child->pid = fork();
    if (child->pid == 0) {
        credential_process_keep(command, out[1], errors[1], self);
    }
    (void)close(out[1]);
    (void)close(errors[1]);
    child->out = out[0];
    child->errors = errors[0];
    if (child->pid < 0) {
        (void)close(child->out);
        (void)close(child->errors);
        return false;
    }
    /* Parent and child both call setpgid(), so that the group exists whichever of them runs first.
     */
    (void)setpgid(child->pid, child->pid);
    return true;
}

/* Appends to *tail and drops all but the last STDERR_MAX bytes. */
static void append_tail(struct ria_buf *tail, const char *bytes, size_t len)
{
    if (len >= STDERR_MAX) {
        bytes += len - STDERR_MAX;
        len = STDERR_MAX;
    }
    size_t excess = tail->len + len > STDERR_MAX ? tail->len + len - STDERR_MAX : 0;
    if (excess > 0) {
        memmove(tail->data, tail->data + excess, tail->len - excess);
        tail->len -= excess;
    }
    ria_buf_add(tail, bytes, len);
}

/* Reads the available bytes. Appends them to *output, or to the tail *errors if output is NULL.
 * Returns false at the end of the stream or on an error. */
static bool credential_process_read(int fd, struct ria_buf *output, struct ria_buf *errors)
{
    char bytes[4096];
    ssize_t len = read(fd, bytes, sizeof(bytes));
    if (len < 0 && errno == EINTR) {
        return true;
    }
    if (len > 0 && output != NULL) {
        ria_buf_add(output, bytes, (size_t)len);
    } else if (len > 0) {
        append_tail(errors, bytes, (size_t)len);
    }
    explicit_bzero(bytes, sizeof(bytes));
    return len > 0;
}

enum {
    STREAMS = 2 /* stdout, stderr */
};

/* Reads from each stream that is ready. Sets the fd of a stream that has ended to -1. */
static void read_ready(
    struct pollfd watched[STREAMS], struct ria_buf *output, struct ria_buf *errors)
{
    for (size_t i = 0; i < STREAMS; i++) {
        if (watched[i].revents != 0 &&
            !credential_process_read(watched[i].fd, i == 0 ? output : NULL, errors)) {
            watched[i].fd = -1;
        }
    }
}

/* Reads both streams to their ends. Returns false at the deadline, or if stdout exceeds its limit.
 */
static bool collect(
    const struct ria_fetch *fetch,
    const struct child *child,
    struct ria_buf *output,
    struct ria_buf *errors)
{
    struct pollfd watched[STREAMS] = {
        {.fd = child->out, .events = POLLIN}, {.fd = child->errors, .events = POLLIN}};
    while (watched[0].fd >= 0 || watched[1].fd >= 0) {
        int64_t left = ria_deadline_left(fetch->world, fetch->deadline);
        int ready = left == 0 ? 0 : poll(watched, STREAMS, (int)left);
        if (ready == 0 || (ready < 0 && errno != EINTR) || output->failed) {
            return false;
        }
        if (ready > 0) {
            read_ready(watched, output, errors);
        }
    }
    return !output->failed;
}

/* Waits for the command to exit, because the command may continue after it has closed its streams.
 * Returns false at the deadline. Does not reap the keeper, so that its process group id is not
 * reused before kill(). */
static bool await_end(const struct ria_fetch *fetch, const struct child *child)
{
    const struct timespec interval = {.tv_nsec = POLL_NS};
    for (;;) {
        siginfo_t ended = {0};
        if (waitid(P_PID, (id_t)child->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            ended.si_pid != 0) {
            return true;
        }
        if (ria_deadline_left(fetch->world, fetch->deadline) == 0) {
            return false;
        }
        (void)nanosleep(&interval, NULL);
    }
}

/* *is_whole is true if the whole output was read. In this case waits for the command, and sets
 * *is_whole to false if the deadline passes. Kills every process that is left in the command's
 * group, and reaps the keeper. Returns the exit status, or -1 if the keeper was killed. */
static int end(const struct ria_fetch *fetch, const struct child *child, bool *is_whole)
{
    int status = 0;
    *is_whole = *is_whole && await_end(fetch, child);
    (void)kill(-child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {
    }
    (void)close(child->out);
    (void)close(child->errors);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Copies stderr to `out` and reduces each URL to its host and port. Works line by line, so that an
 * '@' on a later line does not count as a part of the URL. If the beginning of stderr was dropped,
 * skips the first word, because that word could be the end of a URL. */
static void show_urls(const struct ria_buf *errors, char out[URLS_MAX])
{
    const char *text = errors->len == 0 ? "" : errors->data;
    size_t used = 0;
    if (errors->len == STDERR_MAX) {
        text += strcspn(text, RIA_BLANKS);
    }
    for (out[0] = '\0'; *text != '\0' && used < URLS_MAX - 16; text += *text == '\n' ? 1 : 0) {
        char line[STDERR_MAX + 1];
        size_t len = strcspn(text, "\n");
        (void)snprintf(line, sizeof(line), "%.*s", (int)len, text);
        (void)ria_url_show_in(line, out + used, URLS_MAX - 1 - used);
        text += len;
        used += strlen(out + used);
        used += (size_t)snprintf(out + used, URLS_MAX - used, "%s", *text == '\0' ? "" : "\n");
    }
}

/* Fails with "the credential_process WHAT: END OF STDERR; ...". */
static enum ria_outcome fail_with(
    const struct ria_setting *command,
    struct ria_error *err,
    const char *what,
    const struct ria_buf *errors)
{
    char text[URLS_MAX];
    show_urls(errors, text);
    const char *shown = text;
    size_t len = strlen(text);
    while (len > 0 && strchr(" \r\n", shown[len - 1]) != NULL) {
        len--;
    }
    if (len > STDERR_SHOWN_MAX) {
        shown += len - STDERR_SHOWN_MAX;
        len = STDERR_SHOWN_MAX;
    }
    return ria_failed_at(
        err,
        RIA_E_CREDENTIALS,
        command,
        "the credential_process %s%s%.*s; run it by hand to see why",
        what,
        len > 0 ? ": " : "",
        (int)len,
        shown);
}

/* Finds the message of a nested rds-iam that refused to start its own credential_process. This
 * message must reach the user unchanged, because it names the file, the line and the chain.
 * Terminates *errors at the end of the message. Returns NULL if stderr contains no such message. */
static const char *find_refusal(struct ria_buf *errors)
{
    static const char prefix[] = "rds-iam: ";
    char *refusal = errors->len == 0 ? NULL : strstr(errors->data, RIA_PROCESS_CHAIN_REFUSAL);
    if (refusal == NULL) {
        return NULL;
    }
    char *begin = refusal;
    while (begin > errors->data && begin[-1] != '\n' &&
           strncmp(begin, prefix, sizeof(prefix) - 1) != 0) {
        begin--;
    }
    if (strncmp(begin, prefix, sizeof(prefix) - 1) == 0) {
        begin += sizeof(prefix) - 1;
    }
    refusal[strcspn(refusal, "\r\n")] = '\0';
    return begin;
}

static enum ria_outcome fail_by_status(
    const struct ria_setting *command, int status, struct ria_buf *errors, struct ria_error *err)
{
    const char *refusal = find_refusal(errors);
    if (refusal != NULL) {
        char shown[RIA_ERROR_TEXT_MAX];
        (void)ria_url_show_in(refusal, shown, sizeof(shown));
        return ria_failed(err, RIA_E_CREDENTIALS, "%s", shown);
    }
    char what[64];
    (void)ria_text_format(what, sizeof(what), "ended with status %d", status);
    return fail_with(command, err, what, errors);
}

/* Fails with RIA_E_SLOW_PROCESS. In a login, ria_slow_process_explain() replaces this message by a
 * message that tells the user how to cache the command's output (provider/obtain.h). */
static enum ria_outcome fail_by_deadline(
    const struct ria_fetch *fetch,
    const struct ria_setting *command,
    const struct ria_buf *errors,
    struct ria_error *err)
{
    enum {
        SECOND = 1000
    };
    char what[64];
    long long seconds = (fetch->budget + SECOND / 2) / SECOND;
    (void)ria_text_format(what, sizeof(what), "did not finish within %lld s", seconds);
    (void)fail_with(command, err, what, errors);
    err->code = RIA_E_SLOW_PROCESS;
    return RIA_FAILED;
}

/* Warns if the user has set cache_credential_process and the output has no Expiration. Such output
 * is not cached, because its entry would always count as fresh. */
static void warn_without_expiration(
    const struct ria_fetch *fetch, const struct ria_credentials *printed)
{
    const struct ria_setting *setting = &fetch->plan->value[RIA_PLAN_PROCESS_CACHE];
    if (setting->value != NULL && printed->expires == 0) {
        ria_response_warn(
            fetch->result,
            "%s:%u: cache_credential_process: the credential_process printed no Expiration, so "
            "what it printed is not cached",
            setting->path,
            setting->line);
    }
}

static enum ria_outcome parse_output(
    struct ria_fetch *fetch,
    const struct ria_buf *output,
    const struct ria_buf *errors,
    struct ria_credentials *out,
    struct ria_error *err)
{
    static const struct ria_json_form form = {.session_token = "SessionToken", .has_version = true};
    const struct ria_setting *command = &fetch->plan->value[RIA_PLAN_PROCESS];
    struct ria_error why = {0};
    char what[RIA_ERROR_TEXT_MAX];
    if (!ria_json_credentials(output, &form, out, &why)) {
        (void)snprintf(what, sizeof(what), "printed no credentials (%.300s)", why.text);
        return fail_with(command, err, what, errors);
    }
    /* AWS rejects every request that is signed with a temporary key without a session token, and
     * the database's error message does not contain the reason. */
    if (ria_credentials_lack_token(out)) {
        static const char lacks_token[] = "printed a temporary AccessKeyId (ASIA...) without a "
                                          "SessionToken, which AWS requires";
        return fail_with(command, err, lacks_token, errors);
    }
    if (out->expires != 0 && out->expires <= ria_fetch_now(fetch)) {
        return fail_with(command, err, "printed expired credentials", errors);
    }
    ria_plan_describe(fetch->plan, out->source, sizeof(out->source));
    warn_without_expiration(fetch, out);
    return RIA_FOUND;
}

/* Adds the command to the chain variable in the environment (process_chain.h). setenv() is safe
 * here, because rds-iam-fetch has one thread. */
static bool enter_chain(const struct ria_fetch *fetch, struct ria_error *err)
{
    const struct ria_plan *plan = fetch->plan;
    const char *profile = plan->value[RIA_PLAN_SOURCE_PROFILE].value;
    RIA_AUTO(buf) chain = {.max = 4096};
    if (!ria_process_chain_add(
            fetch->world,
            &plan->value[RIA_PLAN_PROCESS],
            profile == NULL ? "" : profile,
            &chain,
            err)) {
        return false;
    }
    return setenv(RIA_PROCESS_CHAIN_VARIABLE, chain.data, 1) == 0 ||
           ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a credential_process");
}

enum ria_outcome ria_fetch_process(
    struct ria_fetch *fetch, struct ria_credentials *out, struct ria_error *err)
{
    const struct ria_setting *command = &fetch->plan->value[RIA_PLAN_PROCESS];
    RIA_AUTO(buf) output = {.max = OUTPUT_MAX};
    RIA_AUTO(buf) errors = {.max = STDERR_MAX};
    struct child child = {0};
    if (!enter_chain(fetch, err)) {
        return RIA_FAILED;
    }
    if (!credential_process_start(command->value, &child)) {
        return fail_with(command, err, "cannot be started", &errors);
    }
    bool is_whole = collect(fetch, &child, &output, &errors);
    int status = end(fetch, &child, &is_whole);
    if (output.failed) {
        return fail_with(command, err, "printed more than 64 KB", &errors);
    }
    if (!is_whole) {
        return fail_by_deadline(fetch, command, &errors, err);
    }
    return status == 0 ? parse_output(fetch, &output, &errors, out, err)
                       : fail_by_status(command, status, &errors, err);
}
