/* SPDX-License-Identifier: MIT
 *
 * A profile's credential_process, run by /bin/sh -c in a process group of its own, which is killed
 * at the deadline, and also when rds-iam-fetch itself is killed: a keeper, the first of the group,
 * sees to that. What the command prints on stderr is shown if it fails, of a URL in it only host
 * and port; what it prints on stdout never is. The command is not started where it would lead back
 * to itself (process_chain.h).
 *
 *   rds-iam-fetch -- keeper -- sh -c COMMAND -- ... */
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
    LOOK_NS = 5 * 1000 * 1000,
    COMPLAINT_MAX = 640, /* the end of stderr: a whole sentence of rds-iam's, and its prefix */
    COMPLAINT_SHOWN_MAX = 200,    /* what of it fits into a sentence */
    URLS_MAX = 8 * COMPLAINT_MAX, /* room for what stands in place of the shortest URLs */
};

struct child {
    pid_t pid; /* the keeper, and its group */
    int out;
    int complaint;
};

/* The command is the user's program: it gets back what was withheld from this one. */
static bool give_back_variables(void)
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

/* In the keeper's child. Never returns. */
__attribute__((noreturn)) static void become(const char *command, int out, int complaint)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        dup2(complaint, STDERR_FILENO) >= 0 && give_back_variables()) {
        (void)signal(SIGPIPE, SIG_DFL);
        (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    }
    _exit(127);
}

/* In the child. Never returns. The death of its parent reaches a process as a signal, and no other
 * process of the group; so the keeper passes it on. The signal is one that no command sends to its
 * group by itself. */
__attribute__((noreturn)) static void credential_process_keep(
    const char *command, int out, int complaint, pid_t parent)
{
    const int is_alone = SIGRTMIN;
    sigset_t watched;
    sigset_t before;
    int status = 0;
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_NAME, RIA_PROCESS_KEEPER); /* process_chain.c counts them */
    (void)sigemptyset(&watched);
    (void)sigaddset(&watched, is_alone);
    (void)sigaddset(&watched, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &watched, &before);
    (void)prctl(PR_SET_PDEATHSIG, is_alone);
    pid_t shell = getppid() == parent ? fork() : -1;
    if (shell == 0) {
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        become(command, out, complaint);
    }
    (void)close(STDIN_FILENO);
    (void)close(out);
    (void)close(complaint);
    while (shell > 0 && sigwaitinfo(&watched, NULL) != is_alone) {
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
    int complaint[2];
    if (pipe2(out, O_CLOEXEC) != 0) {
        return false;
    }
    if (pipe2(complaint, O_CLOEXEC) != 0) {
        (void)close(out[0]);
        (void)close(out[1]);
        return false;
    }
    child->pid = fork();
    if (child->pid == 0) {
        credential_process_keep(command, out[1], complaint[1], self);
    }
    (void)close(out[1]);
    (void)close(complaint[1]);
    child->out = out[0];
    child->complaint = complaint[0];
    if (child->pid < 0) {
        (void)close(child->out);
        (void)close(child->complaint);
        return false;
    }
    (void)setpgid(child->pid, child->pid); /* whoever of the two comes first */
    return true;
}

/* Keeps the last COMPLAINT_MAX bytes. */
static void take_complaint(struct ria_buf *kept, const char *bytes, size_t len)
{
    if (len >= COMPLAINT_MAX) {
        bytes += len - COMPLAINT_MAX;
        len = COMPLAINT_MAX;
    }
    size_t over = kept->len + len > COMPLAINT_MAX ? kept->len + len - COMPLAINT_MAX : 0;
    if (over > 0) {
        memmove(kept->data, kept->data + over, kept->len - over);
        kept->len -= over;
    }
    ria_buf_add(kept, bytes, len);
}

/* Takes what can be read now. False at the end. */
static bool credential_process_take(int fd, struct ria_buf *output, struct ria_buf *complaint)
{
    char bytes[4096];
    ssize_t len = read(fd, bytes, sizeof(bytes));
    if (len < 0 && errno == EINTR) {
        return true;
    }
    if (len > 0 && output != NULL) {
        ria_buf_add(output, bytes, (size_t)len);
    } else if (len > 0) {
        take_complaint(complaint, bytes, (size_t)len);
    }
    explicit_bzero(bytes, sizeof(bytes));
    return len > 0;
}

enum {
    STREAMS = 2 /* its output, then its complaints */
};

/* Takes from each stream that has something. One that has ended is not watched any more. */
static void take_ready(
    struct pollfd watched[STREAMS], struct ria_buf *output, struct ria_buf *complaint)
{
    for (size_t i = 0; i < STREAMS; i++) {
        if (watched[i].revents != 0 &&
            !credential_process_take(watched[i].fd, i == 0 ? output : NULL, complaint)) {
            watched[i].fd = -1;
        }
    }
}

/* Reads both to their ends. False at the deadline, or beyond the limit of the output. */
static bool collect(
    const struct ria_fetch *fetch,
    const struct child *child,
    struct ria_buf *output,
    struct ria_buf *complaint)
{
    struct pollfd watched[STREAMS] = {
        {.fd = child->out, .events = POLLIN}, {.fd = child->complaint, .events = POLLIN}};
    while (watched[0].fd >= 0 || watched[1].fd >= 0) {
        int64_t left = ria_deadline_left(fetch->world, fetch->deadline);
        int ready = left == 0 ? 0 : poll(watched, STREAMS, (int)left);
        if (ready == 0 || (ready < 0 && errno != EINTR) || output->failed) {
            return false;
        }
        if (ready > 0) {
            take_ready(watched, output, complaint);
        }
    }
    return !output->failed;
}

/* Waits for the command's end: it may close its streams and go on. False at the deadline. The
 * keeper is not reaped yet, so that no other process gets its number. */
static bool await_end(const struct ria_fetch *fetch, const struct child *child)
{
    const struct timespec look = {.tv_nsec = LOOK_NS};
    for (;;) {
        siginfo_t ended = {0};
        if (waitid(P_PID, (id_t)child->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            ended.si_pid != 0) {
            return true;
        }
        if (ria_deadline_left(fetch->world, fetch->deadline) == 0) {
            return false;
        }
        (void)nanosleep(&look, NULL);
    }
}

/* Exit status, or -1 if it was killed or took too long. What it left running in its group goes with
 * it. */
static int end(const struct ria_fetch *fetch, const struct child *child, bool *is_whole)
{
    int status = 0;
    *is_whole = *is_whole && await_end(fetch, child);
    (void)kill(-child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {
    }
    (void)close(child->out);
    (void)close(child->complaint);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Of each URL host and port, line by line: an '@' further down does not belong to it. Where the
 * beginning is cut off, the first word goes: it could be the end of a URL. */
static void show_urls(const struct ria_buf *complaint, char out[URLS_MAX])
{
    const char *text = complaint->len == 0 ? "" : complaint->data;
    size_t used = 0;
    if (complaint->len == COMPLAINT_MAX) {
        text += strcspn(text, RIA_BLANKS);
    }
    for (out[0] = '\0'; *text != '\0' && used < URLS_MAX - 16; text += *text == '\n' ? 1 : 0) {
        char line[COMPLAINT_MAX + 1];
        size_t len = strcspn(text, "\n");
        (void)snprintf(line, sizeof(line), "%.*s", (int)len, text);
        (void)ria_url_show_in(line, out + used, URLS_MAX - 1 - used);
        text += len;
        used += strlen(out + used);
        used += (size_t)snprintf(out + used, URLS_MAX - used, "%s", *text == '\0' ? "" : "\n");
    }
}

static enum ria_outcome fail_with(
    const struct ria_setting *command,
    struct ria_error *err,
    const char *what,
    const struct ria_buf *complaint)
{
    char text[URLS_MAX];
    show_urls(complaint, text);
    const char *shown = text;
    size_t len = strlen(text);
    while (len > 0 && strchr(" \r\n", shown[len - 1]) != NULL) {
        len--;
    }
    if (len > COMPLAINT_SHOWN_MAX) {
        shown += len - COMPLAINT_SHOWN_MAX;
        len = COMPLAINT_SHOWN_MAX;
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

/* The refusal of a chain further down, which must reach the user whole: it names the file, the line
 * and the chain. *complaint is cut at its end. NULL where there is none. */
static const char *find_refusal(struct ria_buf *complaint)
{
    static const char prefix[] = "rds-iam: ";
    char *refusal = complaint->len == 0 ? NULL : strstr(complaint->data, RIA_PROCESS_CHAIN_REFUSAL);
    if (refusal == NULL) {
        return NULL;
    }
    char *begin = refusal;
    while (begin > complaint->data && begin[-1] != '\n' &&
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
    const struct ria_setting *command, int status, struct ria_buf *complaint, struct ria_error *err)
{
    const char *refusal = find_refusal(complaint);
    if (refusal != NULL) {
        char shown[RIA_ERROR_TEXT_MAX];
        (void)ria_url_show_in(refusal, shown, sizeof(shown));
        return ria_failed(err, RIA_E_CREDENTIALS, "%s", shown);
    }
    char what[64];
    (void)ria_text_format(what, sizeof(what), "ended with status %d", status);
    return fail_with(command, err, what, complaint);
}

/* The caller knows what its user can do about it, and replaces the sentence where it was a login
 * (provider/obtain.h). */
static enum ria_outcome fail_by_deadline(
    const struct ria_fetch *fetch,
    const struct ria_setting *command,
    const struct ria_buf *complaint,
    struct ria_error *err)
{
    enum {
        SECOND = 1000
    };
    char what[64];
    long long seconds = (fetch->budget + SECOND / 2) / SECOND;
    (void)ria_text_format(what, sizeof(what), "did not answer within %lld s", seconds);
    (void)fail_with(command, err, what, complaint);
    err->code = RIA_E_SLOW_PROCESS;
    return RIA_FAILED;
}

/* Such credentials would be cached for ever. */
static void warn_without_end(const struct ria_fetch *fetch, const struct ria_credentials *printed)
{
    const struct ria_setting *wanted = &fetch->plan->value[RIA_PLAN_PROCESS_CACHE];
    if (wanted->value != NULL && printed->expires == 0) {
        ria_response_warn(
            fetch->result,
            "%s:%u: cache_credential_process: the credential_process printed no Expiration, so "
            "what it printed is not cached",
            wanted->path,
            wanted->line);
    }
}

static enum ria_outcome take_output(
    struct ria_fetch *fetch,
    const struct ria_buf *output,
    const struct ria_buf *complaint,
    struct ria_credentials *out,
    struct ria_error *err)
{
    static const struct ria_json_form form = {.session_token = "SessionToken", .has_version = true};
    const struct ria_setting *command = &fetch->plan->value[RIA_PLAN_PROCESS];
    struct ria_error why = {0};
    char what[RIA_ERROR_TEXT_MAX];
    if (!ria_json_credentials(output, &form, out, &why)) {
        (void)snprintf(what, sizeof(what), "printed no credentials (%.300s)", why.text);
        return fail_with(command, err, what, complaint);
    }
    if (out->expires != 0 && out->expires <= ria_fetch_now(fetch)) {
        return fail_with(command, err, "printed credentials that have ended", complaint);
    }
    ria_plan_describe(fetch->plan, out->source, sizeof(out->source));
    warn_without_end(fetch, out);
    return RIA_FOUND;
}

/* Marks the environment of the command. This program is ours and has one thread. */
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
    RIA_AUTO(buf) complaint = {.max = COMPLAINT_MAX};
    struct child child = {0};
    if (!enter_chain(fetch, err)) {
        return RIA_FAILED;
    }
    if (!credential_process_start(command->value, &child)) {
        return fail_with(command, err, "cannot be started", &complaint);
    }
    bool is_whole = collect(fetch, &child, &output, &complaint);
    int status = end(fetch, &child, &is_whole);
    if (output.failed) {
        return fail_with(command, err, "printed more than 64 KB", &complaint);
    }
    if (!is_whole) {
        return fail_by_deadline(fetch, command, &complaint, err);
    }
    return status == 0 ? take_output(fetch, &output, &complaint, out, err)
                       : fail_by_status(command, status, &complaint, err);
}
