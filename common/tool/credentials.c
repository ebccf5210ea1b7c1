/* SPDX-License-Identifier: MIT
 *
 * rds-iam credentials: the credentials that a token would be signed with, as credential_process
 * prints them, so that other tools can use them; or where they come from; or an empty cache. An MFA
 * code is asked for on the terminal. */
#include "tool/options.h"
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

static const char help[] =
    "usage: rds-iam credentials [--profile NAME] [--explain | --clear]\n"
    "\n"
    "Prints the AWS credentials that a token would be signed with, in the form of a\n"
    "credential_process: other AWS tools can use them.\n"
    "\n"
    "  --profile NAME     of this AWS profile; by default as the hooks find them\n"
    "  --hostname HOST --port PORT --username USER\n"
    "                     as for this login, with what rds-iam's configuration says of it\n"
    "  --region REGION    of that database; by default the host name says it\n"
    "  --explain          print which sources were asked, what they answered, every setting with\n"
    "                     its place, whose credentials these are and until when; never a secret\n"
    "  --clear            forget all credentials that are kept in the cache\n"
    "  --help             this text\n"
    "\n"
    "A role that needs an MFA code asks for it on the terminal.\n"
    "exit status: 0, 1 (failed: one sentence on stderr), 2 (usage)\n";

/* -- printing ------------------------------------------------------------------------------- */

/* AWS's keys and tokens hold nothing that JSON escapes; anything else is refused. */
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
        (void)fputs(
            "rds-iam: these credentials hold characters that no AWS key has; --explain says where "
            "they come from\n",
            stderr);
        return RIA_EXIT_FAILED;
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

/* "NAME", and "NAME.new" of a writer that was killed, where a name is a digest in hexadecimal.
 * Locks stay: a process may hold one. */
static bool is_entry(const char *name)
{
    const char *end = name + strspn(name, RIA_HEX_DIGITS);
    return end - name == 64 && (*end == '\0' || strcmp(end, ".new") == 0);
}

/* HOME may be another user's, who could lead us anywhere; what is his is no cache of ours. */
static bool is_own(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_uid == geteuid();
}

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
            (void)fprintf(stderr, "rds-iam: %s: cannot be emptied: %s\n", path, strerror(errno));
            return RIA_EXIT_FAILED;
        }
    }
    return printf("%u kept credentials removed\n", count) > 0 ? RIA_EXIT_OK : RIA_EXIT_FAILED;
}

/* -- the terminal --------------------------------------------------------------------------- */

/* A line that a person types unseen. It is not read from stdin and the question is not written to
 * stdout: those may belong to another program that runs us as its credential_process. Signals that
 * would end or stop the program meanwhile are blocked and watched for, so that they strike when the
 * terminal echoes again. */
enum typed {
    TYPED,
    TYPED_NOTHING,     /* an empty line, or its end (Ctrl-D) */
    TYPED_NO_TERMINAL, /* nobody to ask */
};

struct terminal {
    int fd;
    int signals; /* readable when one of the blocked signals has come */
    struct termios before;
    sigset_t mask_before;
};

static bool quieten(struct terminal *terminal)
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

/* A signal that has come strikes here. */
static void give_back(struct terminal *terminal)
{
    (void)tcsetattr(terminal->fd, TCSAFLUSH, &terminal->before);
    (void)!write(terminal->fd, "\n", 1);
    if (terminal->signals >= 0) {
        (void)close(terminal->signals);
    }
    (void)sigprocmask(SIG_SETMASK, &terminal->mask_before, NULL);
}

/* The bytes of one line; -1 if a signal has come instead. */
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

static ssize_t ask_once(struct terminal *terminal, const char *request, char *out, size_t size)
{
    ssize_t len = 0;
    if (quieten(terminal) && write(terminal->fd, request, strlen(request)) > 0) {
        len = read_line(terminal, out, size);
    }
    give_back(terminal);
    return len;
}

/* Asks, and puts the line without its newline into out, cut to size. Wipe it after use. A signal
 * that ends or stops the program does so with the terminal as it was before. */
static enum typed ask_at_terminal(const char *request, char *out, size_t size)
{
    struct terminal terminal = {.fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)};
    if (terminal.fd < 0) {
        return TYPED_NO_TERMINAL;
    }
    if (tcgetattr(terminal.fd, &terminal.before) != 0) {
        (void)close(terminal.fd);
        return TYPED_NO_TERMINAL;
    }
    /* Who was stopped and goes on is asked again. */
    ssize_t len;
    do {
        len = ask_once(&terminal, request, out, size - 1);
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

/* False, with err as it was where nobody can be asked. */
static bool ask_for_code(const struct ria_session *session, char code[8], struct ria_error *err)
{
    char request[512];
    char line[64];
    const struct ria_buf *serial = &session->mfa_serial;
    (void)snprintf(
        request, sizeof(request), "MFA code of %s: ", serial->len > 0 ? serial->data : "?");
    ria_printable(request);
    enum typed typed = ask_at_terminal(request, line, sizeof(line));
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
                          typed == TYPED ? "an MFA code has six digits; try it again"
                                         : "no MFA code was typed; try it again");
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
    if (outcome != RIA_FAILED || err->code != RIA_E_MFA || !ask_for_code(session, code, err)) {
        return outcome;
    }
    ria_session_release(session);
    deadline = ria_deadline_in(world, RIA_INTERACTIVE_BUDGET_MS);
    outcome = ria_session_for(login, code, deadline, world, session, err);
    explicit_bzero(code, sizeof(code));
    return outcome;
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
        (void)fprintf(stderr, "rds-iam: %s\n", err.text);
        return RIA_EXIT_FAILED;
    }
    return explain ? RIA_EXIT_OK : print_credentials(&session);
}

int ria_command_credentials(int argc, char **argv, const struct ria_world *world)
{
    struct ria_login login = {.channel = RIA_CHANNEL_NONE};
    const char *port = NULL;
    bool explain = false;
    bool clears = false;
    const struct ria_option options[] = {
        {.name = "profile", .value = &login.profile},
        {.name = "hostname", .value = &login.host},
        {.name = "port", .value = &port},
        {.name = "username", .value = &login.user},
        {.name = "region", .value = &login.region},
        {.name = "explain", .flag = &explain},
        {.name = "clear", .flag = &clears},
    };
    int status = ria_options_parse(argc, argv, options, sizeof(options) / sizeof(options[0]), help);
    if (status != RIA_GO_ON) {
        return status;
    }
    if ((port == NULL) != (login.host == NULL) || (login.user == NULL) != (login.host == NULL)) {
        return ria_usage(argv[0], "--hostname, --port and --username belong together");
    }
    if (login.region != NULL && login.host == NULL) {
        return ria_usage(argv[0], "--region is a database's; add --hostname, --port, --username");
    }
    if (explain && clears) {
        return ria_usage(argv[0], "--explain and --clear exclude each other");
    }
    status = port == NULL ? RIA_GO_ON : ria_options_port(argv[0], port, &login.port);
    if (status != RIA_GO_ON) {
        return status;
    }
    return clears ? clear(world) : show(&login, explain, world);
}
