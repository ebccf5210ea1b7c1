/* SPDX-License-Identifier: MIT
 *
 * The program rds-iam-agent: parses the options, opens the directory, and then does one of three
 * things. With --status, prints the status of a running agent. With --once, fills the passfiles and
 * exits. Otherwise, runs the service, in the terminal or in the background. Refuses to run with
 * more rights than its caller. */
#include "agent/entries.h"
#include "agent/leftovers.h"
#include "agent/status.h"
#include "agent/supervisor.h"
#include "agent/token_line.h"
#include "cli/command_line.h"
#include "cli/output.h"
#include "passfile/agent_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- options -------------------------------------------------------------------------------- */

struct arguments {
    const char *directory;
    bool once;
    bool foreground;
    bool status;
    bool version;
};

static const struct ria_option options[] = {
    {"directory",
     "DIR",
     "the directory of the passfiles; by default $XDG_RUNTIME_DIR/" RIA_AGENT_DIRECTORY
     ", else ~/.cache/" RIA_AGENT_DIRECTORY,
     RIA_VALUE(struct arguments, directory)},
    {"foreground",
     NULL,
     "stay in the terminal and log to stderr; by default the agent goes to the background and logs "
     "to " RIA_AGENT_LOG " in its directory",
     RIA_FLAG(struct arguments, foreground)},
    {"once",
     NULL,
     "write the passfiles and exit; the tokens are valid for 15 minutes",
     RIA_FLAG(struct arguments, once)},
    {"status",
     NULL,
     "print the running agent's services, credentials and errors, and why entries are refused",
     RIA_FLAG(struct arguments, status)},
    {"version", NULL, "print the version", RIA_FLAG(struct arguments, version)},
};

static const struct ria_syntax agent_syntax = {
    .usage = "rds-iam-agent [--directory DIR] [--once | --foreground | --status]\n",
    .about = "Serves the passfiles of pg_service.conf. Serves each service whose passfile= is\n"
             "in the agent's directory and that sets host, user and sslmode=verify-full. The\n"
             "agent makes a token when a client opens the passfile, and then empties the file\n"
             "again. On a file system without leases, the passfiles contain tokens at all\n"
             "times, and the agent renews them.\n"
             "\n"
             "The agent does not see how a client connects, and some drivers ignore the\n"
             "entry's sslmode. To make these drivers verify the server, set the variables that\n"
             "this command prints: rds-iam setup postgres --program environment\n",
    .options = options,
    .count = sizeof(options) / sizeof(options[0]),
    .notes = "The agent reads an edited pg_service.conf at once. SIGHUP: read all files and\n"
             "renew all tokens now. SIGTERM: remove the passfiles and exit.\n",
    .exit_status =
        "exit status: 0 (success), 1 (failure, with messages on stderr), 2 (usage error)\n",
};

/* Returns RIA_CONTINUE, or the exit status. */
static int parse(int argc, char **argv, struct arguments *out)
{
    int status = ria_options_parse(argc, argv, &agent_syntax, out);
    if (status != RIA_CONTINUE) {
        return status;
    }
    if (out->version) {
        return ria_print("rds-iam-agent " RIA_VERSION "\n");
    }
    if (out->once && out->foreground) {
        return ria_usage(argv[0], "--once and --foreground cannot be combined");
    }
    if (out->status && (out->once || out->foreground)) {
        return ria_usage(argv[0], "--status can be combined only with --directory");
    }
    return RIA_CONTINUE;
}

/* -- once ----------------------------------------------------------------------------------- */

/* A passfile that is being filled without a lease. The text is written to a temporary file, a long
 * text in pieces. */
struct once {
    const struct ria_directory *directory;
    const char *name;
    struct ria_buf text;
    int fd; /* the temporary file, or -1 */
    off_t written;
};

/* Writes the text to the temporary file, and then empties the text in memory. */
static bool once_write(struct once *once, struct ria_error *err)
{
    if (once->text.failed) {
        return ria_fail(
            err, RIA_E_SYSTEM, "%s: the passfile is too long, or memory ran out", once->name);
    }
    if (once->fd < 0) {
        once->fd = ria_directory_create(once->directory, once->name, err);
    }
    if (once->fd < 0) {
        return false;
    }
    if (!ria_file_fill_from(once->fd, once->written, once->text.data, once->text.len)) {
        return ria_directory_fail(once->directory->path, once->name, "cannot be written", err);
    }
    once->written += (off_t)once->text.len;
    ria_buf_clear(&once->text);
    return true;
}

/* Makes the lines of the passfile, and gives the complete file its name. */
static bool once_fill(
    struct once *once,
    struct ria_token_line_maker *maker,
    struct ria_entries *entries,
    const struct ria_served *file,
    struct ria_error *err)
{
    for (size_t i = file->first; i < file->first + file->count; i++) {
        (void)ria_token_line_make(maker, &entries->lines[i], &once->text);
        if (once->text.len >= RIA_PASSFILE_PIECE && !once_write(once, err)) {
            return false;
        }
    }
    return once_write(once, err) && ria_directory_put(once->directory, once->name, err);
}

/* Fills a passfile, without a lease. The file then contains its tokens until it is removed. */
static bool fill_once(
    struct ria_token_line_maker *maker, struct ria_entries *entries, struct ria_served *file)
{
    struct ria_agent *agent = maker->agent;
    struct ria_error err;
    struct once once = {
        .directory = &agent->directory,
        .name = file->name,
        .text = {.max = RIA_PASSFILE_MAX},
        .fd = -1,
    };
    if (!ria_leftovers_may_replace(&agent->directory, file->name, &err)) {
        file->is_missing = true;
        ria_log_event(&agent->log, "%s", err.text);
        return false;
    }
    if (file->count == 0) {
        ria_directory_remove(&agent->directory, file->name);
        return true;
    }
    bool ok = once_fill(&once, maker, entries, file, &err);
    ria_buf_release(&once.text);
    if (once.fd >= 0) {
        (void)close(once.fd);
    }
    if (ok) {
        return true;
    }
    file->is_missing = true;
    ria_directory_drop(&agent->directory, file->name);
    ria_directory_remove(&agent->directory, file->name);
    ria_log_event(&agent->log, "%s", err.text);
    return false;
}

/* Fills all passfiles. For each line of a passfile, waits for credentials no longer than a login
 * waits for them. Returns true if every service has its tokens. */
static bool run_once(struct ria_agent *agent)
{
    struct ria_entries entries;
    struct ria_token_line_maker maker = {.agent = agent};
    struct ria_error err;
    /* The configuration is read once. If it contains an error, making the first line of a passfile
     * reports the error. */
    (void)!ria_config_snapshot_refresh(&agent->config, &agent->world, &err);
    bool ok = ria_entries_load(
        &agent->world, agent->sysconfdir, &agent->directory, &agent->log, &entries);
    if (!ok) {
        ria_log_event(&agent->log, RIA_MESSAGE_MEMORY, "the service files");
    }
    for (size_t i = 0; i < entries.file_count; i++) {
        ok = fill_once(&maker, &entries, &entries.files[i]) && ok;
    }
    char text[RIA_ERROR_TEXT_MAX];
    ria_entries_describe(&entries, &agent->directory, text);
    ria_log_event(&agent->log, "%s", text);
    ok = ok && !entries.is_broken && entries.entry_count > 0 &&
         ria_entries_count_served(&entries) == entries.entry_count;
    ria_entries_release(&entries);
    ria_failures_release(&maker.failures);
    return ok;
}

enum {
    REPORT_MS = 200, /* how long the start waits for a line about the services */
    REPORT_SIZE = 4096,
};

/* -- in the background ---------------------------------------------------------------------- */

/* Logs errors in the entries to the terminal, for the user who starts the agent. The worker logs
 * them again, to the log file. */
static void check_entries(struct ria_agent *agent)
{
    struct ria_entries entries;
    if (!ria_entries_load(
            &agent->world, agent->sysconfdir, &agent->directory, &agent->log, &entries)) {
        ria_log_event(&agent->log, RIA_MESSAGE_MEMORY, "the service files");
    }
    ria_entries_release(&entries);
}

/* Runs in the child: detaches the process from the terminal, and makes it log to the file `log`. */
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
    ria_log_release(&agent->log);
    agent->log.fd = log;
    agent->log.has_time = true;
    ria_directory_write_pid(&agent->directory);
    ria_log_event(&agent->log, "started, version " RIA_VERSION);
    return true;
}

/* Logs the lines that the child writes after it has created the passfiles: how many services have
 * their tokens and, if some have none, the reason. Does not wait long for a slow source of
 * credentials. */
static void report_services(struct ria_agent *agent, int ready)
{
    char text[REPORT_SIZE];
    size_t len = 0;
    ssize_t more = 1;
    struct pollfd lines = {.fd = ready, .events = POLLIN};
    while (more > 0 && len + 1 < sizeof(text) && poll(&lines, 1, REPORT_MS) > 0) {
        more = read(ready, text + len, sizeof(text) - 1 - len);
        len += more > 0 ? (size_t)more : 0;
    }
    text[len] = '\0';
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        ria_log_event(&agent->log, "%s", line);
    }
}

/* Waits until the child has created the passfiles or has ended. Returns the exit status. */
static int wait_for_child(struct ria_agent *agent, pid_t child, int ready)
{
    char byte;
    ssize_t len;
    do {
        len = read(ready, &byte, 1);
    } while (len < 0 && errno == EINTR);
    agent->directory.lock = -1; /* the child has the lock now */
    if (len != 1) {
        ria_log_event(
            &agent->log,
            "the agent did not start; see its log, %s/" RIA_AGENT_LOG,
            agent->directory.path);
        return RIA_EXIT_FAILED;
    }
    report_services(agent, ready);
    ria_log_event(
        &agent->log,
        "running in the background as process %ld; its log is %s/" RIA_AGENT_LOG
        "; to stop it, run: kill %ld",
        (long)child,
        agent->directory.path,
        (long)child);
    return RIA_EXIT_OK;
}

static int run_in_background(struct ria_agent *agent)
{
    struct ria_error err;
    int ready[2] = {-1, -1};
    int log = ria_directory_open_log(&agent->directory, &err);
    if (log < 0) {
        ria_log_event(&agent->log, "%s", err.text);
        return RIA_EXIT_FAILED;
    }
    check_entries(agent);
    pid_t child = pipe2(ready, O_CLOEXEC) == 0 ? fork() : -1;
    if (child < 0) {
        ria_log_event(&agent->log, "cannot start a process: %s", strerror(errno));
        (void)close(log);
        return RIA_EXIT_FAILED;
    }
    if (child > 0) {
        (void)close(log);
        (void)close(ready[1]);
        int status = wait_for_child(agent, child, ready[0]);
        (void)close(ready[0]);
        return status;
    }
    (void)close(ready[0]);
    int status = detach(agent, log) ? ria_supervisor_run(agent, ready[1]) : RIA_EXIT_FAILED;
    (void)close(log);
    return status;
}

/* -- the program ---------------------------------------------------------------------------- */

static int agent_run(struct ria_agent *agent, const struct arguments *arguments)
{
    struct ria_error err;
    if (arguments->once) {
        return run_once(agent) ? RIA_EXIT_OK : RIA_EXIT_FAILED;
    }
    if (arguments->status ? !ria_status_query(&agent->directory, &err)
                          : !ria_directory_lock(&agent->directory, &err)) {
        ria_log_event(&agent->log, "%s", err.text);
        return RIA_EXIT_FAILED;
    }
    if (arguments->status) {
        return RIA_EXIT_OK;
    }
    ria_supervisor_block_signals();
    return arguments->foreground ? ria_supervisor_run(agent, -1) : run_in_background(agent);
}

/* Opens the directory. First rejects a process that runs with more rights than its caller, because
 * a directory that this process created would belong to the wrong user. */
static bool agent_open_directory(
    struct ria_agent *agent, const struct arguments *arguments, struct ria_error *err)
{
    if (agent->world.is_privileged(agent->world.self, NULL)) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_REFUSAL_PRIVILEGED);
    }
    /* --status creates no directory. It would have to remove the directory again, and an agent that
     * starts at that moment may already use it. */
    return ria_directory_open(
        arguments->directory, !arguments->status, &agent->world, &agent->directory, err);
}

int main(int argc, char **argv)
{
    if (!ria_standard_files_open()) {
        return RIA_EXIT_FAILED;
    }
    /* Prevents core dumps and debuggers from exposing a secret. */
    (void)prctl(PR_SET_DUMPABLE, 0);
    /* Clears the user's own bits of the umask, which would remove the user's rights to the files
     * that the agent creates. */
    (void)umask(umask(0) & (S_IRWXG | S_IRWXO));
    struct arguments arguments = {0};
    char command[] = "rds-iam-agent"; /* the name in usage errors */
    argv[0] = command;
    int status = parse(argc, argv, &arguments);
    if (status != RIA_CONTINUE) {
        return status;
    }
    struct ria_agent agent = {.sysconfdir = RIA_POSTGRESQL_SYSCONFDIR};
    ria_agent_init(&agent);
    struct ria_error err;
    if (agent_open_directory(&agent, &arguments, &err)) {
        status = agent_run(&agent, &arguments);
        if (status != RIA_EXIT_OK && arguments.once) {
            ria_directory_unmake(&agent.directory);
        }
    } else {
        ria_log_event(&agent.log, "%s", err.text);
        status = RIA_EXIT_FAILED;
    }
    ria_agent_release(&agent);
    return status;
}
