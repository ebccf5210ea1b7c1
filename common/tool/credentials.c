/* SPDX-License-Identifier: MIT
 *
 * rds-iam credentials: prints the AWS credentials with which rds-iam would sign a token. The output
 * has the form that AWS defines for a credential_process, so other tools can use it. With
 * --explain, prints where the credentials come from instead; with --clear, removes all credentials
 * from the cache. Reads an MFA code from the terminal if a role needs an MFA code. Does not print
 * credentials that contain characters which JSON must escape. */
#include "cli/command_line.h"
#include "tool/tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

struct credentials_arguments {
    struct ria_login login;
    const char *port;
    bool explains;
    bool clears;
};

static const struct ria_option options[] = {
    {"profile",
     "NAME",
     "use this AWS profile; default: the profile that a database login uses",
     RIA_VALUE(struct credentials_arguments, login.profile)},
    {"hostname",
     "HOST",
     "use the credentials of the login at this host, as the configuration sets them; needs --port "
     "and --username",
     RIA_VALUE(struct credentials_arguments, login.host)},
    {"port", "PORT", "the port of that login", RIA_VALUE(struct credentials_arguments, port)},
    {"username",
     "USER",
     "the database user of that login",
     RIA_VALUE(struct credentials_arguments, login.user)},
    {"region",
     "REGION",
     "the AWS region of that database; default: the region in its host name",
     RIA_VALUE(struct credentials_arguments, login.region)},
    {"explain",
     NULL,
     "print where the credentials come from: each source and its result, each setting with file "
     "and line, the identity, the expiry time; no secrets",
     RIA_FLAG(struct credentials_arguments, explains)},
    {"clear",
     NULL,
     "remove all credentials from the cache",
     RIA_FLAG(struct credentials_arguments, clears)},
};

static const struct ria_syntax credentials_syntax = {
    .usage = "rds-iam credentials [--profile NAME] [--explain | --clear]\n"
             "rds-iam credentials --hostname HOST --port PORT --username USER\n"
             "                    [OPTION...]\n",
    .about = "Prints the AWS credentials that a token would be signed with, also the secret\n"
             "key. The output has the form that AWS defines for a credential_process, so that\n"
             "other AWS tools can use it. With --explain, prints no secret.\n",
    .options = options,
    .count = sizeof(options) / sizeof(options[0]),
    .notes = "If a role needs an MFA code, the command asks for it on the terminal.\n",
};

/* -- printing ------------------------------------------------------------------------------- */

/* Returns whether the text needs no escape in JSON. AWS's keys and tokens never need one. */
static bool tool_credentials_is_plain(const struct ria_buf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] < 0x20 || text->data[i] == '"' || text->data[i] == '\\') {
            return false;
        }
    }
    return true;
}

static void add_member(struct ria_buf *out, const char *name, const char *value)
{
    ria_buf_addf(out, ", \"%s\": \"%s\"", name, value);
}

static int print_credentials(const struct ria_session *session)
{
    RIA_AUTO(buf) text = {.max = (size_t)32 * 1024};
    if (!tool_credentials_is_plain(&session->access_key_id) ||
        !tool_credentials_is_plain(&session->secret_access_key) ||
        !tool_credentials_is_plain(&session->session_token)) {
        return ria_failure(
            "these credentials contain characters that no AWS key has; fix their source, which "
            "--explain shows");
    }
    ria_buf_add_text(&text, "{\"Version\": 1");
    add_member(&text, "AccessKeyId", session->access_key_id.data);
    add_member(&text, "SecretAccessKey", session->secret_access_key.data);
    if (session->session_token.len > 0) {
        add_member(&text, "SessionToken", session->session_token.data);
    }
    char when[RIA_TIMESTAMP_EXTENDED_SIZE];
    if (session->expires != 0 && ria_timestamp_format_extended(session->expires, when)) {
        add_member(&text, "Expiration", when);
    }
    ria_buf_add_text(&text, "}\n");
    if (ria_buf_text(&text) == NULL) {
        return ria_out_of_memory();
    }
    /* Unbuffered, so that no copy of the keys stays in stdio's memory. */
    (void)setvbuf(stdout, NULL, _IONBF, 0);
    return ria_print(text.data);
}

/* -- the cache ------------------------------------------------------------------------------ */

/* Returns whether a file is a cache entry, whose name is a digest in hexadecimal, or the file
 * DIGEST.new that a killed writer of an entry left behind. Lock files are not entries and are not
 * removed, because a process may hold a lock. */
static bool is_entry(const char *name)
{
    const char *end = name + strspn(name, RIA_HEX_DIGITS);
    return end - name == 64 && (*end == '\0' || strcmp(end, ".new") == 0);
}

/* Returns whether the directory belongs to the current user. The check matters if HOME belongs to
 * another user. Without the check, that user could replace a parent of the cache by a link to any
 * directory, and this command would remove files with names of entries in that directory. */
static bool is_own(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_uid == geteuid();
}

/* Removes the entries of one directory and counts them. Ignores a directory that does not exist or
 * that belongs to another user. Returns false with errno set on failure. */
static bool clear_directory(const char *path, unsigned *count)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR;
    }
    if (!is_own(fd)) {
        (void)close(fd);
        return true;
    }
    DIR *entries = fdopendir(fd);
    const struct dirent *entry = NULL;
    bool ok = entries != NULL;
    while (ok && (entry = readdir(entries)) != NULL) {
        if (is_entry(entry->d_name)) {
            ok = unlinkat(fd, entry->d_name, 0) == 0 || errno == ENOENT;
            (*count)++;
        }
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
    return ok;
}

static int clear(const struct ria_world *world)
{
    char path[PATH_MAX];
    unsigned count = 0;
    for (size_t i = 0; ria_session_directory(world, i, path, sizeof(path)); i++) {
        if (!clear_directory(path, &count)) {
            return ria_failure("%s: cannot be emptied: %s", path, strerror(errno));
        }
    }
    return printf("removed from the cache: %u\n", count) > 0 ? RIA_EXIT_OK : RIA_EXIT_FAILED;
}

/* -- the terminal --------------------------------------------------------------------------- */

/* The functions below read a line from the terminal without echo. They use /dev/tty instead of
 * stdin and stdout, because stdin and stdout may belong to another program that runs rds-iam as its
 * credential_process. While the echo is off, the functions block the signals that would end or stop
 * the program and watch these signals with a signalfd. The kernel delivers the signals after the
 * echo is on again. */
enum typed {
    TYPED,
    TYPED_NOTHING,     /* an empty line or the end of the input (Ctrl-D) */
    TYPED_NO_TERMINAL, /* the process has no terminal */
};

struct terminal {
    int fd;
    int signals; /* signalfd: readable when one of the blocked signals is pending */
    struct termios before;
    sigset_t mask_before;
};

/* Blocks the signals and turns the echo off. */
static bool disable_echo(struct terminal *terminal)
{
    static const int ends[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP};
    sigset_t blocked;
    (void)sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)sigaddset(&blocked, ends[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &blocked, &terminal->mask_before);
    terminal->signals = signalfd(-1, &blocked, SFD_CLOEXEC);
    struct termios unseen = terminal->before;
    unseen.c_lflag &= (tcflag_t) ~(tcflag_t)ECHO;
    return terminal->signals >= 0 && tcsetattr(terminal->fd, TCSAFLUSH, &unseen) == 0;
}

/* Turns the echo on and then unblocks the signals. If a signal is pending, the kernel delivers it
 * while this function runs. */
static void restore_terminal(struct terminal *terminal)
{
    (void)tcsetattr(terminal->fd, TCSAFLUSH, &terminal->before);
    (void)!write(terminal->fd, "\n", 1);
    if (terminal->signals >= 0) {
        (void)close(terminal->signals);
    }
    (void)sigprocmask(SIG_SETMASK, &terminal->mask_before, NULL);
}

/* Reads one line. Returns its length, or -1 if a signal is pending. */
static ssize_t read_line(const struct terminal *terminal, char *out, size_t size)
{
    struct pollfd watched[] = {
        {.fd = terminal->signals, .events = POLLIN}, {.fd = terminal->fd, .events = POLLIN}};
    while (poll(watched, 2, -1) < 0 && errno == EINTR) {
    }
    if (watched[0].revents != 0) {
        return -1;
    }
    ssize_t len = read(terminal->fd, out, size);
    return len < 0 ? 0 : len;
}

static ssize_t prompt_once(struct terminal *terminal, const char *prompt, char *out, size_t size)
{
    ssize_t len = 0;
    if (disable_echo(terminal) && write(terminal->fd, prompt, strlen(prompt)) > 0) {
        len = read_line(terminal, out, size);
    }
    restore_terminal(terminal);
    return len;
}

/* Prints a prompt on the terminal and reads a line into `out`, without its newline and cut to
 * `size`. The caller wipes `out` after use. If a signal ends or stops the program, the terminal
 * gets its previous settings first. */
static enum typed prompt_on_terminal(const char *prompt, char *out, size_t size)
{
    struct terminal terminal = {.fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)};
    if (terminal.fd < 0) {
        return TYPED_NO_TERMINAL;
    }
    if (tcgetattr(terminal.fd, &terminal.before) != 0) {
        (void)close(terminal.fd);
        return TYPED_NO_TERMINAL;
    }
    /* If the user stops the program and continues it later, the prompt is printed again. */
    ssize_t len;
    do {
        len = prompt_once(&terminal, prompt, out, size - 1);
    } while (len < 0);
    (void)close(terminal.fd);
    out[len] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    return out[0] == '\0' ? TYPED_NOTHING : TYPED;
}

/* -- a code from the terminal --------------------------------------------------------------- */

enum {
    CODE_DIGITS = 6
};

/* Reads an MFA code from the terminal. Returns false with err filled if the input is not a code.
 * Returns false with err unchanged if the process has no terminal. */
static bool read_mfa_code(const struct ria_session *session, char code[8], struct ria_error *err)
{
    char prompt[512];
    char line[64];
    const struct ria_buf *serial = &session->mfa_serial;
    (void)snprintf(
        prompt, sizeof(prompt), "MFA code of %s: ", serial->len > 0 ? serial->data : "?");
    ria_printable(prompt);
    enum typed typed = prompt_on_terminal(prompt, line, sizeof(line));
    if (typed == TYPED_NO_TERMINAL) {
        return false;
    }
    bool is_code =
        typed == TYPED && strlen(line) == CODE_DIGITS && strspn(line, RIA_DIGITS) == CODE_DIGITS;
    if (is_code) {
        memcpy(code, line, CODE_DIGITS + 1);
    }
    explicit_bzero(line, sizeof(line));
    return is_code || ria_fail(
                          err,
                          RIA_E_MFA,
                          typed == TYPED ? "an MFA code has six digits; try again"
                                         : "no MFA code was entered; try again");
}

static enum ria_outcome tool_credentials_find(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_session *session,
    struct ria_error *err)
{
    struct ria_deadline deadline = ria_deadline_in(world, RIA_INTERACTIVE_BUDGET_MS);
    enum ria_outcome outcome = ria_session_for(login, NULL, deadline, world, session, err);
    char code[8] = "";
    if (outcome != RIA_FAILED || err->code != RIA_E_MFA || !read_mfa_code(session, code, err)) {
        return outcome;
    }
    ria_session_release(session);
    deadline = ria_deadline_in(world, RIA_INTERACTIVE_BUDGET_MS);
    outcome = ria_session_for(login, code, deadline, world, session, err);
    explicit_bzero(code, sizeof(code));
    return outcome;
}

enum {
    IDENTITY_BUDGET_MS = 3000
};

/* Returns whether the error is STS's refusal of the credentials, and not a failure to ask STS. */
static bool is_rejection(const struct ria_error *err)
{
    return strstr(err->text, "STS rejects the credentials") != NULL;
}

/* Prints the line with the identity, unless the explanation already contains this line. The
 * explanation contains no such line for keys that were read from settings. For such keys, asks STS,
 * and prints the reason if STS does not report the identity. Fails if STS rejects the keys. */
static int print_identity(
    const struct ria_login *login, const char *explanation, const struct ria_world *world)
{
    char line[2 * RIA_ERROR_TEXT_MAX];
    struct ria_identity identity;
    struct ria_error err;
    if (strstr(explanation, "\nidentity ") != NULL) {
        return RIA_EXIT_OK;
    }
    struct ria_deadline deadline = ria_deadline_in(world, IDENTITY_BUDGET_MS);
    bool is_known = ria_session_identity(login, deadline, world, &identity, &err) == RIA_FOUND;
    (void)snprintf(
        line,
        sizeof(line),
        "identity           %s%s",
        is_known ? "" : "not known: ",
        is_known ? identity.arn : err.text);
    ria_printable(line);
    if (puts(line) < 0 || fflush(stdout) != 0) {
        return RIA_EXIT_FAILED;
    }
    return is_known || !is_rejection(&err)
               ? RIA_EXIT_OK
               : ria_failure("these credentials are not valid; see the identity above");
}

static int show(const struct ria_login *login, bool explain, const struct ria_world *world)
{
    RIA_AUTO(session) session = RIA_SESSION_INIT;
    struct ria_error err;
    enum ria_outcome outcome = tool_credentials_find(login, world, &session, &err);
    if (explain && session.explanation.len > 0 &&
        ria_print(session.explanation.data) != RIA_EXIT_OK) {
        return RIA_EXIT_FAILED;
    }
    if (outcome != RIA_FOUND) {
        return ria_failure("%s", err.text);
    }
    return explain ? print_identity(login, session.explanation.data, world)
                   : print_credentials(&session);
}

int ria_command_credentials(int argc, char **argv, const struct ria_world *world)
{
    struct credentials_arguments arguments = {.login = {.channel = RIA_CHANNEL_NONE}};
    struct ria_login *login = &arguments.login;
    int status = ria_options_parse(argc, argv, &credentials_syntax, &arguments);
    if (status != RIA_CONTINUE) {
        return status;
    }
    const char *port = arguments.port;
    if ((port == NULL) != (login->host == NULL) || (login->user == NULL) != (login->host == NULL)) {
        return ria_usage(argv[0], "--hostname, --port and --username must be given together");
    }
    if (login->region != NULL && login->host == NULL) {
        return ria_usage(argv[0], "--region needs --hostname, --port and --username");
    }
    if (arguments.explains && arguments.clears) {
        return ria_usage(argv[0], "--explain and --clear cannot be used together");
    }
    status = port == NULL ? RIA_CONTINUE : ria_options_port(argv[0], port, &login->port);
    if (status != RIA_CONTINUE) {
        return status;
    }
    return arguments.clears ? clear(world) : show(login, arguments.explains, world);
}
